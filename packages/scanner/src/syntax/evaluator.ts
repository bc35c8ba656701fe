import type { Class, Function as FunctionNode, Node, ObjectExpression, Program, Statement } from "oxc-parser";
import { bindPattern, evaluateAssignment, updateTarget } from "./assignment.ts";
import { evaluateCall, evaluateTagged } from "./calls.ts";
import { readTags, variableTags } from "./effects.ts";
import { type Circumstance, type Facts, makeFacts } from "./facts.ts";
import { binary, concat } from "./fold.ts";
import { hoist } from "./hoist.ts";
import { globalRef, memberRef, moduleRef } from "./references.ts";
import { type Binding, type FunctionInfo, makeFunctionInfo, Scope, store } from "./scope.ts";
import { CONCEALED, CONDITION, made, tag } from "./tags.ts";
import { arrayValue, join, NOTHING, numberValue, tagged, textValue, Value, withTags } from "./value.ts";

export type FunctionLike = FunctionNode | Extract<Node, { type: "ArrowFunctionExpression" }>;
export type NodeVisitor = (node: Node, when: Circumstance) => void;

/** Nesting of syntax that is followed; real programs stay far below, and the stack stays small. */
const MAX_DEPTH = 220;
/** Passes over the syntax until what is known stops growing. */
const MAX_PASSES = 4;
/** Units of folding work for each file. */
const MAX_FOLD_STEPS = 400_000;
const LARGE_FILE = 60_000;
/** Calls of one function that are told apart by nothing but their union. */
const MAX_CALLERS = 10;

/**
 * Follows the values of a program through assignments, calls, closures and encodings, without running it.
 *
 * It is an abstract interpretation, insensitive to order: each name holds everything that is ever
 * stored under it. Passes repeat until nothing changes (at most four times); the facts of the last pass
 * count. Work, depth and folding are bounded, so that time is linear in the size of the file.
 */
export class Evaluator {
  readonly text: string;
  readonly visitors: ReadonlyMap<string, readonly NodeVisitor[]>;
  facts: Facts = makeFacts();
  scope: Scope = new Scope(undefined, true);
  when: Circumstance = TOP;
  self: Value = new Value({ ref: "this" });
  current: FunctionInfo | undefined;
  /** Set when something changed that an earlier conclusion of this pass may rest on. */
  changed = false;
  isInlining = 0;
  #depth = 0;
  #foldSteps = MAX_FOLD_STEPS;
  readonly #scopes = new Map<Node, Scope>();
  readonly #functions = new Map<Node, FunctionInfo>();
  readonly #objects = new Map<Node, Map<string, Value>>();
  readonly #globals = new Map<string, Value>();
  /** What the program itself stored under well-known references. */
  readonly #stored = new Map<string, Value>();

  constructor(text: string, visitors: ReadonlyMap<string, readonly NodeVisitor[]>) {
    this.text = text;
    this.visitors = visitors;
  }

  run(program: Program): Facts {
    const passes = this.text.length > LARGE_FILE ? 2 : MAX_PASSES;
    const visitors = this.visitors;
    for (let pass = 1; pass <= passes; pass += 1) {
      this.facts = makeFacts();
      this.changed = false;
      this.#depth = 0;
      this.#foldSteps = MAX_FOLD_STEPS;
      this.when = TOP;
      this.scope = this.scopeOf(program, undefined, true, program.body);
      // Syntax alone never changes between passes: rules on nodes see the first one only.
      this.executeAll(program.body, pass === 1 ? visitors : NO_VISITORS);
      if (!this.changed) break;
    }
    return this.facts;
  }

  #active: ReadonlyMap<string, readonly NodeVisitor[]> = NO_VISITORS;

  executeAll(body: readonly Node[], visitors: ReadonlyMap<string, readonly NodeVisitor[]>): void {
    this.#active = visitors;
    this.executeBlock(body);
  }

  /** Takes units of folding work; false once the budget is used up. */
  readonly steps = (count: number): boolean => {
    this.#foldSteps -= count;
    return this.#foldSteps > 0;
  };

  scopeOf(node: Node, parent: Scope | undefined, isFunction: boolean, body: readonly Node[]): Scope {
    let scope = this.#scopes.get(node);
    if (scope === undefined) {
      scope = new Scope(parent, isFunction);
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

  #visit(node: Node): void {
    const visitors = this.#active.get(node.type);
    if (visitors !== undefined) for (const visit of visitors) visit(node, this.when);
  }

  // Statements.

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

  /** A circumstance inside a condition. */
  guarded(tags: number, testStart: number, testEnd: number): Circumstance {
    const when = this.when;
    return { ...when, outer: when, guards: when.guards | (tags & CONDITION), testStart, testEnd };
  }

  execute(node: Node): void {
    if (this.#depth > MAX_DEPTH) {
      this.facts.isPartial = true;
      return;
    }
    this.#depth += 1;
    this.#executeOne(node);
    this.#depth -= 1;
  }

  #executeOne(node: Node): void {
    this.#visit(node);
    switch (node.type) {
      case "ExpressionStatement":
        this.evaluate(node.expression);
        return;
      case "VariableDeclaration":
        for (const one of node.declarations) {
          if (one.init !== null) bindPattern(this, one.id, this.evaluate(one.init));
        }
        return;
      case "FunctionDeclaration":
        this.enterFunction(node);
        return;
      case "ClassDeclaration":
        this.evaluateClass(node);
        return;
      case "ReturnStatement":
        if (node.argument !== null) this.returns(this.evaluate(node.argument));
        return;
      case "ThrowStatement":
        this.evaluate(node.argument);
        return;
      case "IfStatement":
        this.#executeIf(node);
        return;
      case "BlockStatement":
      case "StaticBlock":
        this.#inScope(node, node.body, () => this.executeBlock(node.body));
        return;
      case "ForStatement":
        this.#inScope(node, node.init?.type === "VariableDeclaration" ? [node.init] : [], () => {
          if (node.init !== null)
            node.init.type === "VariableDeclaration" ? this.execute(node.init) : this.evaluate(node.init);
          if (node.test !== null) this.evaluate(node.test);
          if (node.update !== null) this.evaluate(node.update);
          this.#loop(node.body);
        });
        return;
      case "ForInStatement":
      case "ForOfStatement":
        this.#executeForEach(node);
        return;
      case "WhileStatement":
      case "DoWhileStatement": {
        const test = this.evaluate(node.test);
        const when = this.when;
        this.when = this.guarded(test.tags, node.test.start, node.test.end);
        this.#loop(node.body);
        this.when = when;
        return;
      }
      case "SwitchStatement":
        this.#executeSwitch(node);
        return;
      case "TryStatement":
        this.execute(node.block);
        if (node.handler !== null) this.execute(node.handler.body);
        if (node.finalizer !== null) this.execute(node.finalizer);
        return;
      case "LabeledStatement":
        this.execute(node.body);
        return;
      case "WithStatement":
        this.evaluate(node.object);
        this.execute(node.body);
        return;
      case "ImportDeclaration":
        this.#executeImport(node);
        return;
      case "ExportNamedDeclaration":
        if (node.source !== null) this.load(textValue(node.source.value), node, true, true);
        if (node.declaration !== null) this.execute(node.declaration);
        return;
      case "ExportDefaultDeclaration":
        this.#exportDefault(node.declaration);
        return;
      case "ExportAllDeclaration":
        this.load(textValue(node.source.value), node, true, true);
        return;
      case "TSExportAssignment":
        this.evaluate(node.expression);
        return;
      case "TSEnumDeclaration":
        for (const member of node.body.members) if (member.initializer !== null) this.evaluate(member.initializer);
        return;
      case "TSModuleDeclaration":
        if (node.body?.type === "TSModuleBlock") this.executeBlock(node.body.body);
        return;
      case "TSImportEqualsDeclaration":
        if (node.moduleReference.type === "TSExternalModuleReference") {
          const value = this.load(textValue(node.moduleReference.expression.value), node, true, false);
          if (store(this.scope.declare(node.id.name), value)) this.changed = true;
        }
        return;
      default:
    }
  }

  #exportDefault(node: Node): void {
    if (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") this.execute(node);
    else if (!node.type.startsWith("TS")) this.evaluate(node);
  }

  #inScope(node: Node, body: readonly Node[], work: () => void): void {
    if (!body.some(declaresNames)) {
      work();
      return;
    }
    const before = this.scope;
    this.scope = this.scopeOf(node, before, false, body);
    work();
    this.scope = before;
  }

  #loop(body: Node): void {
    const when = this.when;
    this.when = { ...when, loops: when.loops + 1, outer: when };
    this.execute(body);
    this.when = when;
  }

  #executeIf(first: Extract<Node, { type: "IfStatement" }>): void {
    const when = this.when;
    // A chain of `else if` is walked, not recursed into: generated code has thousands.
    let node: Extract<Node, { type: "IfStatement" }> | undefined = first;
    while (node !== undefined) {
      if (node !== first) this.#visit(node);
      const test = this.evaluate(node.test);
      this.condition(node.test, test);
      this.when = this.guarded(test.tags, node.test.start, node.test.end);
      this.execute(node.consequent);
      const rest: Statement | null = node.alternate;
      if (rest === null) break;
      if (rest.type === "IfStatement") {
        node = rest;
      } else {
        this.execute(rest);
        node = undefined;
      }
    }
    this.when = when;
  }

  #executeSwitch(node: Extract<Node, { type: "SwitchStatement" }>): void {
    const subject = this.evaluate(node.discriminant);
    this.condition(node.discriminant, subject);
    const when = this.when;
    this.when = this.guarded(subject.tags, node.discriminant.start, node.discriminant.end);
    const body = node.cases.flatMap((one) => one.consequent);
    this.#inScope(node, body, () => {
      for (const one of node.cases) {
        if (one.test !== null) this.evaluate(one.test);
        this.executeBlock(one.consequent);
      }
    });
    this.when = when;
  }

  #executeForEach(node: Extract<Node, { type: "ForInStatement" | "ForOfStatement" }>): void {
    const list = this.evaluate(node.right);
    const each = node.type === "ForOfStatement" ? elementOf(list) : tagged(list.tags & ~tag.environment, list.at);
    this.#inScope(node, node.left.type === "VariableDeclaration" ? [node.left] : [], () => {
      const target = node.left.type === "VariableDeclaration" ? node.left.declarations[0]?.id : node.left;
      if (target !== undefined) bindPattern(this, target, each);
      this.#loop(node.body);
    });
  }

  #executeImport(node: Extract<Node, { type: "ImportDeclaration" }>): void {
    if (node.importKind === "type") return;
    const value = this.load(textValue(node.source.value), node, true, true);
    for (const one of node.specifiers) {
      const imported =
        one.type === "ImportSpecifier"
          ? one.imported.type === "Identifier"
            ? one.imported.name
            : one.imported.value
          : "default";
      const bound = one.type === "ImportNamespaceSpecifier" ? value : this.memberOf(value, imported);
      if (store(this.scope.declare(one.local.name), bound)) this.changed = true;
    }
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

  condition(node: Node, test: Value): void {
    if ((test.tags & CONDITION) !== 0) {
      this.facts.conditions.push({ start: node.start, end: node.end, tags: test.tags, when: this.when });
    }
  }

  /** A module reached by `require` or `import`. */
  load(specifier: Value, node: Node, isStatic: boolean, isImport: boolean): Value {
    this.facts.loads.push({ start: node.start, end: node.end, specifier, isStatic, isImport, when: this.when });
    if (!specifier.isConstant || specifier.shape === undefined) return NOTHING;
    const ref = moduleRef(specifier.shape);
    return ref === undefined ? NOTHING : this.global(ref);
  }

  global(ref: string): Value {
    let value = this.#globals.get(ref);
    if (value === undefined) {
      value = new Value({ ref, tags: readTags(ref) });
      this.#globals.set(ref, value);
    }
    return value;
  }

  // Functions and classes.

  /** The value of a function whose body has not been followed in this pass yet. */
  functionValue(node: FunctionLike): Value {
    return new Value({ fn: this.functionInfo(node) });
  }

  /** Follows a function's body with everything that is known to reach it. */
  enterFunction(
    node: FunctionLike,
    self: Value = node.type === "ArrowFunctionExpression" ? this.self : NOTHING,
  ): Value {
    const info = this.functionInfo(node);
    const { scope, when, current, self: outerSelf } = this;
    const body = node.body;
    if (body !== null && this.#depth < MAX_DEPTH) {
      this.#depth += 1;
      this.#visitFunction(node);
      this.scope = this.scopeOf(node, scope, true, body.type === "BlockStatement" ? body.body : []);
      this.current = info;
      this.self = self === NOTHING ? info.self : self;
      this.when = {
        fn: info,
        outer: when,
        guards: when.guards | info.guards,
        delayMs: Math.max(when.delayMs, info.delayMs),
        event: info.event === "" ? when.event : info.event,
        eventTarget: info.event === "" ? when.eventTarget : info.eventTarget,
        loops: 0,
        testStart: -1,
        testEnd: -1,
      };
      if (node.type === "FunctionExpression" && node.id !== null)
        store(this.scope.declare(node.id.name), new Value({ fn: info }));
      this.bindParameters(node, info);
      if (body.type === "BlockStatement") this.executeBlock(body.body);
      else this.returns(this.evaluate(body));
      this.#depth -= 1;
    }
    this.scope = scope;
    this.when = when;
    this.current = current;
    this.self = outerSelf;
    return new Value({ fn: info });
  }

  #visitFunction(node: Node): void {
    if (node.type !== "FunctionDeclaration") this.#visit(node);
  }

  bindParameters(node: FunctionLike, info: FunctionInfo): void {
    info.wasRead = true;
    for (const [index, parameter] of node.params.entries()) {
      if (parameter.type === "RestElement") {
        bindPattern(this, parameter.argument, info.args.slice(index).reduce(join, NOTHING));
      } else if (parameter.type === "TSParameterProperty") {
        bindPattern(this, parameter.parameter, info.args[index] ?? NOTHING);
      } else bindPattern(this, parameter, info.args[index] ?? NOTHING);
    }
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

  evaluateClass(node: Class): Value {
    if (node.superClass !== null) this.evaluate(node.superClass);
    const members = this.objectOf(node);
    const self = new Value({ props: members });
    let constructor: FunctionInfo | undefined;
    const before = this.self;
    for (const member of node.body.body) {
      this.self = self;
      if (member.type === "MethodDefinition") {
        const name = this.keyName(member.key, member.computed);
        const info = this.functionInfo(member.value);
        if (member.kind === "constructor") constructor = info;
        else if (name !== undefined)
          this.setMember(members, name, member.kind === "get" ? info.returns : new Value({ fn: info }));
      } else if (member.type === "PropertyDefinition" && member.value !== null) {
        const name = this.keyName(member.key, member.computed);
        const value = this.evaluate(member.value);
        if (name !== undefined) this.setMember(members, name, value);
      } else if (member.type === "StaticBlock") this.execute(member);
    }
    for (const member of node.body.body) {
      if (member.type === "MethodDefinition") this.enterFunction(member.value, self);
    }
    this.self = before;
    const value = new Value({ fn: constructor ?? this.functionInfo(node), props: members });
    if (node.id !== null) store(this.scope.declare(node.id.name), value);
    return value;
  }

  // Members.

  keyName(key: Node, computed: boolean): string | undefined {
    if (!computed && key.type === "Identifier") return key.name;
    if (key.type === "PrivateIdentifier") return `#${key.name}`;
    if (key.type === "Literal") return String(key.value);
    const value = this.evaluate(key);
    return value.isConstant ? value.shape : undefined;
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

  // Expressions.

  evaluateAgain(node: Node): Value {
    const { facts } = this;
    // Only the value is wanted; facts about this expression were recorded the first time.
    this.facts = makeFacts();
    const active = this.#active;
    this.#active = NO_VISITORS;
    const value = this.evaluate(node);
    this.#active = active;
    this.facts = facts;
    return value;
  }

  evaluate(node: Node): Value {
    if (this.#depth > MAX_DEPTH) {
      this.facts.isPartial = true;
      return NOTHING;
    }
    this.#depth += 1;
    const value = this.#evaluateOne(node);
    this.#depth -= 1;
    return value;
  }

  #evaluateOne(node: Node): Value {
    if (node.type !== "Identifier") this.#visit(node);
    switch (node.type) {
      case "Identifier":
        return this.#identifier(node.name);
      case "Literal":
        return literal(node, this.text);
      case "TemplateLiteral":
        return this.template(node);
      case "BinaryExpression":
        return this.#binaryChain(node);
      case "MemberExpression":
        return this.member(node).value;
      case "CallExpression":
      case "NewExpression":
        return evaluateCall(this, node);
      case "ChainExpression":
        return this.evaluate(node.expression);
      case "AssignmentExpression":
        return evaluateAssignment(this, node);
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.enterFunction(node);
      case "ClassExpression":
        return this.evaluateClass(node);
      case "ObjectExpression":
        return this.#object(node);
      case "ArrayExpression":
        return this.#array(node.elements, node.start);
      case "ConditionalExpression": {
        const test = this.evaluate(node.test);
        this.condition(node.test, test);
        const when = this.when;
        this.when = this.guarded(test.tags, node.test.start, node.test.end);
        const yes = this.evaluate(node.consequent);
        const value = join(yes, this.evaluate(node.alternate));
        this.when = when;
        return value;
      }
      case "LogicalExpression": {
        const left = this.evaluate(node.left);
        this.condition(node.left, left);
        const when = this.when;
        this.when = this.guarded(left.tags, node.left.start, node.left.end);
        const right = this.evaluate(node.right);
        this.when = when;
        return node.operator === "&&" ? withTags(right, left.tags & CONDITION, left.at) : join(left, right);
      }
      case "UnaryExpression": {
        const value = this.evaluate(node.argument);
        if (node.operator === "-" && value.number !== undefined)
          return numberValue(-value.number, value.tags, value.at);
        if (node.operator === "+" && value.isConstant && value.shape !== "") return numericValue(value);
        if (node.operator === "!" && value.number !== undefined) return value.number === 0 ? TRUE : FALSE;
        if (node.operator === "!") return tagged(value.tags & CONDITION, value.at);
        return node.operator === "typeof" || node.operator === "void" || node.operator === "delete"
          ? NOTHING
          : tagged(value.tags, value.at);
      }
      case "UpdateExpression":
        updateTarget(this, node.argument);
        return NOTHING;
      case "SequenceExpression": {
        let last = NOTHING;
        for (const one of node.expressions) last = this.evaluate(one);
        return last;
      }
      case "AwaitExpression":
        return this.evaluate(node.argument);
      case "YieldExpression":
        if (node.argument !== null) this.returns(this.evaluate(node.argument));
        return NOTHING;
      case "SpreadElement":
        return this.evaluate(node.argument);
      case "ThisExpression":
        return this.self;
      case "ImportExpression": {
        const specifier = this.evaluate(node.source);
        return this.load(specifier, node, false, true);
      }
      case "TaggedTemplateExpression":
        return evaluateTagged(this, node);
      case "MetaProperty":
        return this.global(`${node.meta.name}.${node.property.name}`);
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSTypeAssertion":
      case "TSNonNullExpression":
      case "TSInstantiationExpression":
      case "ParenthesizedExpression":
        return this.evaluate(node.expression);
      case "JSXElement":
        this.#jsx(node);
        return NOTHING;
      case "JSXFragment":
        for (const child of node.children) this.#jsxChild(child);
        return NOTHING;
      default:
        return NOTHING;
    }
  }

  #identifier(name: string): Value {
    const binding = this.scope.resolve(name);
    if (binding === undefined) {
      if (name === "undefined" || name === "NaN" || name === "arguments")
        return name === "arguments" ? this.#arguments() : NOTHING;
      const value = this.global(globalRef(name));
      const stored = this.#stored.get(name);
      return stored === undefined ? value : join(value, stored);
    }
    binding.wasRead = true;
    return binding.value;
  }

  #arguments(): Value {
    const args = this.current?.args ?? [];
    if (this.current !== undefined) this.current.wasRead = true;
    const tags = args.reduce((sum, arg) => sum | arg.tags, 0);
    return new Value({ ref: "arguments", items: args.length > 0 ? args : undefined, tags, at: 0 });
  }

  template(node: Extract<Node, { type: "TemplateLiteral" }>): Value {
    let value = textValue(node.quasis[0]?.value.cooked ?? "");
    for (const [index, expression] of node.expressions.entries()) {
      value = concat(value, this.evaluate(expression), false);
      const text = node.quasis[index + 1]?.value.cooked ?? "";
      if (text !== "") value = concat(value, textValue(text), false);
    }
    return value;
  }

  #binaryChain(node: Extract<Node, { type: "BinaryExpression" }>): Value {
    // A sum of thousands of strings leans to the left: it is unrolled, not recursed into.
    const rights: Extract<Node, { type: "BinaryExpression" }>[] = [];
    let left: Node = node;
    while (left.type === "BinaryExpression") {
      if (left !== node) this.#visit(left);
      rights.push(left);
      left = left.left;
    }
    let value = left.type === "PrivateIdentifier" ? NOTHING : this.evaluate(left);
    let budget = 2000;
    for (const one of rights.reverse()) {
      const right = this.evaluate(one.right);
      if (isComparison(one.operator))
        value = tagged((value.tags | right.tags) & (CONDITION | tag.remote), Math.max(value.at, right.at));
      else value = (budget -= 1) > 0 ? binary(one.operator, value, right) : tagged(value.tags | right.tags, value.at);
    }
    if ((value.made & CONCEALED) !== 0 && value.isConstant) this.concealed(node, value);
    return value;
  }

  concealed(node: Node, value: Value): void {
    if (this.facts.concealed.length < 500) this.facts.concealed.push({ start: node.start, end: node.end, value });
  }

  member(node: Extract<Node, { type: "MemberExpression" }>): {
    readonly object: Value;
    readonly name: string | undefined;
    readonly value: Value;
  } {
    const object = node.object.type === "Super" ? this.self : this.evaluate(node.object);
    if (!node.computed) {
      const name = node.property.type === "PrivateIdentifier" ? `#${node.property.name}` : node.property.name;
      const value = name === "constructor" ? this.#constructorOf(node.object, object) : this.memberOf(object, name);
      this.#read(node, value, 0);
      return { object, name, value };
    }
    const key = this.evaluate(node.property);
    if (key.isConstant && key.shape !== undefined) {
      const value =
        key.shape === "constructor" ? this.#constructorOf(node.object, object) : this.memberOf(object, key.shape);
      this.#read(node, value, key.made);
      return { object, name: key.shape, value };
    }
    if (object.items !== undefined)
      return { object, name: undefined, value: withTags(elementOf(object), key.tags & tag.hidden, key.at) };
    const tags = object.tags | (key.tags & (tag.decoded | tag.hidden | tag.remote));
    let value =
      object.ref !== undefined && object.tags === 0 && tags !== 0
        ? new Value({ ref: `${object.ref}.*`, tags, at: key.at })
        : tagged(tags, object.at);
    if (object.props !== undefined) for (const one of [...object.props.values()].slice(0, 32)) value = join(value, one);
    return { object, name: undefined, value };
  }

  /** `.constructor`: of a function it is the compiler `Function`, by whatever way the function was reached. */
  #constructorOf(node: Node, object: Value): Value {
    const own = object.props?.get("constructor");
    if (own !== undefined) return own;
    if (node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression") {
      return this.global(
        node.async || (node.type === "FunctionExpression" && node.generator)
          ? "AsyncFunction"
          : "#function-constructor",
      );
    }
    if (object.ref === "?.constructor") return this.global("?.constructor.constructor");
    if (node.type === "MemberExpression" && isLiteralObject(node.object)) return this.global("#function-constructor");
    if (object.fn !== undefined && object.props === undefined)
      return this.global(isAsync(object.fn) ? "AsyncFunction" : "#function-constructor");
    if (object.ref === "module" || object.ref === "process.mainModule") return this.global("module");
    if (object.ref === "#prototype-of-function") return this.global("AsyncFunction");
    if (object.ref !== undefined && FUNCTIONS.has(object.ref)) return this.global("#function-constructor");
    return this.global("?.constructor");
  }

  #read(node: Extract<Node, { type: "MemberExpression" }>, value: Value, nameMade: number): void {
    if (value.ref === undefined || this.facts.reads.length > 20_000) return;
    if (nameMade !== 0 || isWatched(value.ref)) {
      this.facts.reads.push({ node, start: node.start, end: node.end, ref: value.ref, nameMade, when: this.when });
    }
  }

  #object(node: ObjectExpression): Value {
    const members = this.objectOf(node);
    let tags = 0;
    let at = -1;
    const before = this.self;
    const late: FunctionLike[] = [];
    for (const member of node.properties) {
      if (member.type === "SpreadElement") {
        const spread = this.evaluate(member.argument);
        tags |= spread.tags;
        if (at < 0) at = spread.at;
        if (spread.props !== undefined) for (const [name, value] of spread.props) this.setMember(members, name, value);
        continue;
      }
      const name = this.keyName(member.key, member.computed);
      const isFunction = member.value.type === "FunctionExpression" || member.value.type === "ArrowFunctionExpression";
      if (isFunction) late.push(member.value as FunctionLike);
      const value = isFunction ? this.functionValue(member.value as FunctionLike) : this.evaluate(member.value);
      tags |= value.tags;
      if (at < 0) at = value.at;
      if (name !== undefined) this.setMember(members, name, value);
    }
    for (const fn of late)
      this.enterFunction(fn, fn.type === "ArrowFunctionExpression" ? before : new Value({ props: members }));
    return new Value({ props: members, tags, at });
  }

  #array(elements: readonly (Node | null)[], start: number): Value {
    const items: Value[] = [];
    for (const element of elements) {
      if (element === null) continue;
      const value = this.evaluate(element);
      if (element.type === "SpreadElement") items.push(...spreadItems(value));
      else items.push(value);
    }
    return arrayValue(items, start);
  }

  #jsx(node: Extract<Node, { type: "JSXElement" }>): void {
    for (const attribute of node.openingElement.attributes) {
      if (attribute.type === "JSXSpreadAttribute") this.evaluate(attribute.argument);
      else if (attribute.value?.type === "JSXExpressionContainer") this.#jsxChild(attribute.value);
    }
    for (const child of node.children) this.#jsxChild(child);
  }

  #jsxChild(node: Node): void {
    if (node.type === "JSXExpressionContainer") {
      if (node.expression.type !== "JSXEmptyExpression") this.evaluate(node.expression);
    } else if (node.type === "JSXElement" || node.type === "JSXFragment") this.evaluate(node);
    else if (node.type === "JSXSpreadChild") this.evaluate(node.expression);
  }

  bind(binding: Binding, value: Value): void {
    if (store(binding, value)) this.changed = true;
  }
}

const NO_VISITORS: ReadonlyMap<string, readonly NodeVisitor[]> = new Map();

const TOP: Circumstance = {
  fn: undefined,
  outer: undefined,
  guards: 0,
  delayMs: 0,
  event: "",
  eventTarget: "",
  loops: 0,
  testStart: -1,
  testEnd: -1,
};

/** Built-in functions whose `.constructor` is reached in escapes. */
const FUNCTIONS = new Set([
  "eval",
  "fetch",
  "setTimeout",
  "setInterval",
  "require",
  "Object",
  "Array",
  "String",
  "Function",
  "Promise",
  "Map",
  "Date",
  "console.log",
  "Math.max",
  "parseInt",
  "alert",
]);

function isWatched(ref: string): boolean {
  return WATCHED.has(ref) || ref.startsWith("process.") || ref.startsWith("navigator.") || ref.startsWith("?.");
}
const WATCHED = new Set([
  "document.cookie",
  "module.constructor",
  "module.parent",
  "require.cache",
  "require.extensions",
  "require.main",
  "Error.prepareStackTrace",
  "arguments.callee",
  "arguments.callee.caller",
  "eval",
  "Function",
  "__filename",
]);

const isAsync = (fn: FunctionInfo): boolean =>
  (fn.node?.type === "FunctionDeclaration" ||
    fn.node?.type === "FunctionExpression" ||
    fn.node?.type === "ArrowFunctionExpression") &&
  (fn.node.async || fn.node.generator);

const isComparison = (operator: string): boolean => /^(?:[=!]==?|[<>]=?|in|instanceof)$/u.test(operator);

const isLiteralObject = (node: Node): boolean =>
  node.type === "ArrayExpression" ||
  node.type === "Literal" ||
  node.type === "TemplateLiteral" ||
  node.type === "ObjectExpression";

function declaresNames(node: Node): boolean {
  return (
    (node.type === "VariableDeclaration" && node.kind !== "var") ||
    node.type === "FunctionDeclaration" ||
    node.type === "ClassDeclaration"
  );
}

/** Whether a statement always leaves the code that follows it. */
function leaves(node: Node): boolean {
  if (node.type === "BlockStatement") return node.body.some(leaves);
  if (
    node.type === "ReturnStatement" ||
    node.type === "ThrowStatement" ||
    node.type === "ContinueStatement" ||
    node.type === "BreakStatement"
  )
    return true;
  if (node.type !== "ExpressionStatement" || node.expression.type !== "CallExpression") return false;
  const callee = node.expression.callee;
  return (
    callee.type === "MemberExpression" &&
    !callee.computed &&
    callee.property.type === "Identifier" &&
    callee.property.name === "exit"
  );
}

/** What iterating over a value gives: any of its members. */
export function elementOf(list: Value): Value {
  if (list.items === undefined) {
    if (list.isConstant) return tagged(list.tags, list.at);
    return list.tags === 0 ? NOTHING : tagged(list.tags, list.at);
  }
  let value = NOTHING;
  for (const item of list.items.slice(0, 24)) value = join(value, item);
  return withTags(value, list.tags, list.at);
}

function spreadItems(value: Value): readonly Value[] {
  if (value.items !== undefined) return value.items;
  if (value.isConstant && value.shape !== undefined && value.shape.length <= 4096) {
    return [...value.shape].map((letter) => textValue(letter, value.made, value.tags, value.at));
  }
  return [tagged(value.tags, value.at)];
}

function numericValue(value: Value): Value {
  const number = Number(value.shape);
  return Number.isNaN(number) ? tagged(value.tags, value.at) : numberValue(number, value.tags, value.at);
}

function literal(node: Extract<Node, { type: "Literal" }>, text: string): Value {
  const { value } = node;
  if (typeof value === "string") {
    if (value === "") return EMPTY;
    const how = escapesIn(text, node.start, node.end, value.length) ? made.escapes : 0;
    const tags = value.length < 20_000 && INVISIBLE.test(value) ? tag.hidden : 0;
    return textValue(value, how, tags, node.start);
  }
  if (typeof value === "number") return numberValue(value);
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if ("regex" in node) return REGEX;
  return NOTHING;
}

const EMPTY = textValue("");
const TRUE = textValue("true");
const FALSE = textValue("false");
const REGEX = new Value({ ref: "#regex" });

/** Four or more characters in a row that only an escape or an invisible glyph would show. */
const INVISIBLE =
  /[\u200B-\u200F\u2060-\u2064\uFE00-\uFE0F\u{E0000}-\u{E01EF}\uE000-\uF8FF\u{F0000}-\u{10FFFD}\u3164\u115F\u1160\uFFA0\u2800]{4}/u;

/** Whether a literal spells ordinary letters as escapes (`"\x65val"`). */
function escapesIn(text: string, start: number, end: number, length: number): boolean {
  if (end - start < length + 3 || end - start > 4000) return false;
  return /\\(?:x[2-7][0-9a-f]|u00[2-7][0-9a-f]|u\{0*[2-7][0-9a-f]\})/iu.test(text.slice(start, end));
}
