import type { Node } from "oxc-parser";
import { join, NOTHING, type Value } from "./value.ts";

/** A name of the program and everything that was seen to be stored under it. */
export interface Binding {
  readonly name: string;
  value: Value;
  /** Whether the value was used before it last changed; only then is another pass worth while. */
  wasRead: boolean;
  isParameter: boolean;
}

/** A function of the program: what reaches it, what it gives back, and when it runs. */
export interface FunctionInfo {
  readonly node: Node | undefined;
  args: Value[];
  returns: Value;
  self: Value;
  /** Milliseconds after which a timer calls it; 0 when no timer does. */
  delayMs: number;
  /** Name of the event that calls it. */
  event: string;
  /** The object that it listens to. */
  eventTarget: string;
  /** Tags of conditions that guard a call of it. */
  guards: number;
  /** How many calls of it were seen in the last pass. */
  callers: number;
  wasRead: boolean;
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
    wasRead: false,
  };
}

/** The names of one function or block. */
export class Scope {
  readonly parent: Scope | undefined;
  readonly isFunction: boolean;
  readonly #names = new Map<string, Binding>();

  constructor(parent: Scope | undefined, isFunction: boolean) {
    this.parent = parent;
    this.isFunction = isFunction;
  }

  declare(name: string): Binding {
    let binding = this.#names.get(name);
    if (binding === undefined) {
      binding = { name, value: NOTHING, wasRead: false, isParameter: false };
      this.#names.set(name, binding);
    }
    return binding;
  }

  resolve(name: string): Binding | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const binding = scope.#names.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** The scope that a `var` in this one belongs to. */
  get functionScope(): Scope {
    let scope: Scope = this;
    while (!scope.isFunction && scope.parent !== undefined) scope = scope.parent;
    return scope;
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
