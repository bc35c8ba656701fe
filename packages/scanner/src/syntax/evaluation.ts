import type { Function as FunctionNode, Node, Program } from "oxc-parser";
import { leaves } from "./control-flow.ts";
import { readTags, variableTags } from "./effects.ts";
import { type Circumstance, type Facts, makeFacts, TOP_LEVEL } from "./facts.ts";
import { declarePattern, hoist } from "./hoist.ts";
import { globalRef, memberRef, moduleRef } from "./references.ts";
import { type Binding, makeFunctionInfo, Scope, store } from "./scope.ts";
import { CONDITION, tag } from "./tags.ts";
import { type FunctionInfo, join, NOTHING, Value, withTags } from "./value.ts";

export type FunctionLike = FunctionNode | Extract<Node, { type: "ArrowFunctionExpression" }>;
export type NodeVisitor = (node: Node, when: Circumstance) => void;
export type Visitors = ReadonlyMap<string, readonly NodeVisitor[]>;

/** What statements and expressions mean; handed in, so that the meanings can use the state without owning it. */
export interface Semantics {
  evaluate(evaluation: Evaluation, node: Node): Value;
  execute(evaluation: Evaluation, node: Node): void;
}

/** Nesting of syntax that is followed; real programs stay far below, and the stack stays small. */
const MAX_DEPTH = 400;
/** Units of folding work for each file. */
const MAX_FOLD_STEPS = 400_000;
/** Calls of one function that are told apart by nothing but their union. */
const MAX_CALLERS = 10;

/** Members that hold what a wallet or a signer must never give away. */
const SECRET_MEMBER = /^(?:mnemonic|seedPhrase|recoveryPhrase|privateKey|secretKey|private_key)$/u;

/**
 * State of following one program: what every name, function, object and well-known reference holds,
 * the circumstances of the code at hand, and the facts found so far.
 */
export class Evaluation {
  readonly text: string;
  facts: Facts = makeFacts();
  scope: Scope = new Scope(undefined, true);
  when: Circumstance = TOP_LEVEL;
  self: Value = new Value({ ref: "this" });
  current: FunctionInfo | undefined;
  /** Set when something changed that an earlier conclusion of this pass may rest on. */
  changed = false;
  isInlining = 0;
  readonly #semantics: Semantics;
  #visitors: Visitors = NO_VISITORS;
  #depth = 0;
  #foldSteps = MAX_FOLD_STEPS;
  readonly #scopes = new Map<Node, Scope>();
  readonly #functions = new Map<Node, FunctionInfo>();
  readonly #objects = new Map<Node, Map<string, Value>>();
  readonly #globals = new Map<string, Value>();
  /** What the program itself stored under well-known references. */
  readonly #stored = new Map<string, Value>();

  constructor(text: string, semantics: Semantics) {
    this.text = text;
    this.#semantics = semantics;
  }

  /** Follows the whole program once, with the facts forgotten and everything else remembered. */
  follow(program: Program, visitors: Visitors): void {
    this.facts = makeFacts();
    this.changed = false;
    this.#depth = 0;
    this.#foldSteps = MAX_FOLD_STEPS;
    this.#visitors = visitors;
    for (const info of this.#functions.values()) info.callers = 0;
    this.when = TOP_LEVEL;
    this.scope = this.scopeOf(program, undefined, true, program.body);
    this.executeBlock(program.body);
  }

  // Statements and expressions.

  executeBlock(body: readonly Node[]): void {
    const when = this.when;
    for (const statement of body) {
      this.execute(statement);
      if (statement.type === "IfStatement" && statement.alternate === null && leaves(statement.consequent)) {
        // `if (!victim) return;` guards everything that follows.
        const test = this.evaluateAgain(statement.test);
        this.when = this.guarded(test.tags, statement.test.start, statement.test.end);
      }
    }
    this.when = when;
  }

  execute(node: Node): void {
    if (this.#depth > MAX_DEPTH) {
      this.#skip(node);
      return;
    }
    this.#depth += 1;
    this.#semantics.execute(this, node);
    this.#depth -= 1;
  }

  evaluate(node: Node): Value {
    if (this.#depth > MAX_DEPTH) {
      this.#skip(node);
      return NOTHING;
    }
    this.#depth += 1;
    const value = this.#semantics.evaluate(this, node);
    this.#depth -= 1;
    return value;
  }

  /** Follows a body one level deeper; too deep, it is left out and the facts say so. */
  descend(node: Node, work: () => void): void {
    if (this.#depth >= MAX_DEPTH) {
      this.#skip(node);
      return;
    }
    this.#depth += 1;
    work();
    this.#depth -= 1;
  }

  #skip(node: Node): void {
    if (this.facts.skipped.length < 100) this.facts.skipped.push({ start: node.start, end: node.end });
  }

  evaluateAgain(node: Node): Value {
    const { facts } = this;
    // Only the value is wanted; facts about this expression were recorded the first time.
    this.facts = makeFacts();
    const visitors = this.#visitors;
    this.#visitors = NO_VISITORS;
    const value = this.evaluate(node);
    this.#visitors = visitors;
    this.facts = facts;
    return value;
  }

  visit(node: Node): void {
    const visitors = this.#visitors.get(node.type);
    if (visitors !== undefined) for (const visit of visitors) visit(node, this.when);
  }

  /** A circumstance inside a condition. */
  guarded(tags: number, testStart: number, testEnd: number): Circumstance {
    const when = this.when;
    return { ...when, outer: when, guards: when.guards | (tags & CONDITION), testStart, testEnd };
  }

  condition(node: Node, test: Value): void {
    if ((test.tags & CONDITION) !== 0) {
      this.facts.conditions.push({ start: node.start, end: node.end, tags: test.tags, when: this.when });
    }
  }

  concealed(node: Node, value: Value): void {
    if (this.facts.concealed.length < 500) this.facts.concealed.push({ start: node.start, end: node.end, value });
  }

  /** A module reached by `require` or `import`. */
  load(specifier: Value, node: Node, isStatic: boolean, isImport: boolean): Value {
    this.facts.loads.push({ start: node.start, end: node.end, specifier, isStatic, isImport, when: this.when });
    if (!specifier.isConstant || specifier.shape === undefined) return NOTHING;
    const ref = moduleRef(specifier.shape);
    return ref === undefined ? NOTHING : this.global(ref);
  }

  // What is stored where.

  /** Takes units of folding work; false once the budget is used up. */
  readonly steps = (count: number): boolean => {
    this.#foldSteps -= count;
    return this.#foldSteps > 0;
  };

  scopeOf(node: Node, parent: Scope | undefined, isFunction: boolean, body: readonly Node[]): Scope {
    let scope = this.#scopes.get(node);
    if (scope === undefined) {
      scope = new Scope(parent, isFunction);
      // Parameters shadow the names around; minified code uses the same few letters everywhere.
      if (isFunction && "params" in node && Array.isArray(node.params))
        for (const parameter of node.params as readonly Node[])
          declarePattern(scope, parameter.type === "TSParameterProperty" ? parameter.parameter : parameter);
      hoist(scope, body, (fn) => new Value({ fn: this.functionInfo(fn) }));
      this.#scopes.set(node, scope);
    }
    return scope;
  }

  functionInfo(node: Node): FunctionInfo {
    let info = this.#functions.get(node);
    if (info === undefined) {
      info = makeFunctionInfo(node);
      this.#functions.set(node, info);
    }
    return info;
  }

  objectOf(node: Node): Map<string, Value> {
    let object = this.#objects.get(node);
    if (object === undefined) {
      object = new Map();
      this.#objects.set(node, object);
    }
    return object;
  }

  global(ref: string): Value {
    let value = this.#globals.get(ref);
    if (value === undefined) {
      value = new Value({ ref, tags: readTags(ref) });
      this.#globals.set(ref, value);
    }
    return value;
  }

  /** What a name that the program does not declare holds. */
  globalNamed(name: string): Value {
    const value = this.global(globalRef(name));
    const stored = this.#stored.get(name);
    return stored === undefined ? value : join(value, stored);
  }

  /** The value of a function whose body has not been followed in this pass yet. */
  functionValue(node: FunctionLike): Value {
    return new Value({ fn: this.functionInfo(node) });
  }

  /** Notes that a function is called with these arguments. */
  pass(fn: FunctionInfo, args: readonly Value[]): void {
    fn.callers += 1;
    // What a function that everybody calls is given says little about any one of its callers.
    const isCrowded = fn.callers > MAX_CALLERS;
    for (const [index, arg] of args.entries()) {
      if (index >= 16) break;
      const before = fn.args[index] ?? NOTHING;
      const joined = join(before, isCrowded && arg.fn === undefined ? NOTHING : arg);
      if (joined !== before) {
        while (fn.args.length < index) fn.args.push(NOTHING);
        fn.args[index] = joined;
        if (fn.wasRead) this.changed = true;
      }
    }
  }

  resultOf(fn: FunctionInfo): Value {
    fn.wasRead = true;
    return fn.returns;
  }

  returns(value: Value): void {
    const fn = this.current;
    if (fn === undefined || this.isInlining > 0) return;
    const joined = join(fn.returns, value);
    if (joined !== fn.returns) {
      fn.returns = joined;
      if (fn.wasRead) this.changed = true;
    }
  }

  /** Notes tags that the current function does not get from its callers. */
  arise(tags: number): void {
    const { current } = this;
    if (current === undefined || (current.own | tags) === current.own) return;
    current.own |= tags;
    if (current.wasRead) this.changed = true;
  }

  bind(binding: Binding, value: Value): void {
    if (binding.home !== this.scope.functionScope) binding.isShared = true;
    if (store(binding, value)) this.changed = true;
  }

  setMember(members: Map<string, Value>, name: string, value: Value): void {
    const before = members.get(name) ?? NOTHING;
    const joined = join(before, value);
    if (joined === before) {
      if (!members.has(name)) members.set(name, joined);
      return;
    }
    if (before !== NOTHING || value.tags !== 0 || value.ref !== undefined || value.fn !== undefined)
      this.changed ||= members.has(name);
    if (members.size < 4096) members.set(name, joined);
  }

  storeRef(ref: string, value: Value): void {
    const before = this.#stored.get(ref) ?? NOTHING;
    const joined = join(before, value);
    if (joined === before) return;
    if (this.#stored.size < 4096) this.#stored.set(ref, joined);
  }

  /** `object.name`, for a name that is known. */
  memberOf(object: Value, name: string): Value {
    const own = object.props?.get(name);
    const ref = own === undefined || object.ref !== undefined ? memberRef(object.ref, name) : undefined;
    // How long something is says next to nothing of what it is.
    if (own === undefined && (name === "length" || name === "byteLength" || name === "size")) return NOTHING;
    let value = own ?? NOTHING;
    if (object.items !== undefined && /^\d{1,4}$/u.test(name)) value = object.items[Number(name)] ?? NOTHING;
    if (ref !== undefined) {
      value = join(value, this.#referenced(object, ref, name));
      const stored = this.#stored.get(ref);
      if (stored !== undefined) value = join(value, stored);
    } else if (object.tags !== 0 && own === undefined) value = withTags(value, object.tags, object.at);
    if (object.also !== undefined && object.ref !== undefined) {
      for (const other of object.also)
        if (other.ref !== undefined)
          value = join(value, this.#referenced(other, memberRef(other.ref, name) ?? "?", name));
    }
    if (SECRET_MEMBER.test(name) && object.ref !== "process.env") value = withTags(value, tag.wallet, 0);
    this.arise(value.tags & ~object.tags);
    return value;
  }

  #referenced(object: Value, ref: string, name: string): Value {
    if (
      object.ref === "process.env" ||
      object.ref === "Deno.env" ||
      object.ref === "Bun.env" ||
      object.ref === "?.env"
    ) {
      return new Value({ ref, tags: variableTags(name) });
    }
    const tags = readTags(ref) | (name === "length" ? 0 : object.tags & ~tag.clock);
    return tags === 0 ? this.global(ref) : new Value({ ref, tags, at: object.at });
  }
}

const NO_VISITORS: Visitors = new Map();
