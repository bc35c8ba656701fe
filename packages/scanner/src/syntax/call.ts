import type { Node } from "oxc-parser";
import { deepTags, tagged, type Value } from "./value.ts";

export type CallNode = Extract<Node, { type: "CallExpression" | "NewExpression" }>;

/** A call on its way: what is called, on what, with what. */
export interface Call {
  readonly node: Node;
  readonly callee: Value;
  readonly receiver: Value;
  /** Name of the method, where it is a method. */
  readonly name: string | undefined;
  readonly args: readonly Value[];
  readonly isNew: boolean;
}

/** The members of a list of arguments, as far as they are known. */
export const listOf = (list: Value | undefined): readonly Value[] =>
  list === undefined ? [] : (list.items ?? (list.tags === 0 ? [] : [tagged(list.tags, list.at)]));

/** Tags of everything that a call hands over, callbacks and what they give back included. */
export function givenTags(call: Call): number {
  let tags = call.receiver.tags;
  for (const arg of call.args) {
    tags |= deepTags(arg);
    if (arg.fn !== undefined) tags |= arg.fn.own | arg.fn.returns.tags;
  }
  return tags;
}
