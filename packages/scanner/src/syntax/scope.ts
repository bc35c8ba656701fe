import type { Node } from "oxc-parser";
import { type FunctionInfo, join, NOTHING, type Value } from "./value.ts";

/** A name of the program and everything that was seen to be stored under it. */
export interface Binding {
  readonly name: string;
  value: Value;
  /** Whether the value was used before it last changed; only then is another pass worth while. */
  wasRead: boolean;
  /** The function (or file) that it belongs to. */
  readonly home: Scope;
  /** Whether a function inside its own stored something here, which its own function may not know of. */
  isShared: boolean;
}

export function makeFunctionInfo(node: Node | undefined): FunctionInfo {
  return {
    node,
    args: [],
    returns: NOTHING,
    self: NOTHING,
    delayMs: 0,
    event: "",
    eventTarget: "",
    guards: 0,
    callers: 0,
    own: 0,
    wasRead: false,
  };
}

/** The names of one function or block. */
export class Scope {
  readonly parent: Scope | undefined;
  /** The scope that a `var` in this one belongs to. */
  readonly functionScope: Scope;
  readonly #names = new Map<string, Binding>();

  constructor(parent: Scope | undefined, isFunction: boolean) {
    this.parent = parent;
    this.functionScope = isFunction || parent === undefined ? this : parent.functionScope;
  }

  declare(name: string): Binding {
    let binding = this.#names.get(name);
    if (binding === undefined) {
      binding = { name, value: NOTHING, wasRead: false, home: this.functionScope, isShared: false };
      this.#names.set(name, binding);
    }
    return binding;
  }

  resolve(name: string): Binding | undefined {
    let binding = this.#names.get(name);
    for (let scope = this.parent; binding === undefined && scope !== undefined; scope = scope.parent)
      binding = scope.#names.get(name);
    return binding;
  }
}

/** Joins a value into a binding; true when that may change what was already concluded from it. */
export function store(binding: Binding, value: Value): boolean {
  const joined = join(binding.value, value);
  if (joined === binding.value) return false;
  binding.value = joined;
  const matters = binding.wasRead;
  binding.wasRead = false;
  return matters;
}
