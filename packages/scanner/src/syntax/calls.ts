import type { Node } from "oxc-parser";
import { eventTags } from "./assignment.ts";
import { effectOf } from "./effects.ts";
import { elementOf, type Evaluator, type FunctionLike } from "./evaluator.ts";
import { decodeText, foldMethod, fromCodes, joinPath } from "./fold.ts";
import { globalRef, memberRef } from "./references.ts";
import type { FunctionInfo } from "./scope.ts";
import { CONCEALED, CONDITION, tag } from "./tags.ts";
import { topic, topicsOf } from "./topics.ts";
import { alternatives, arrayValue, join, NOTHING, numberValue, tagged, textValue, Value, withTags } from "./value.ts";

type CallNode = Extract<Node, { type: "CallExpression" | "NewExpression" }>;

interface Call {
  readonly node: Node;
  readonly callee: Value;
  readonly receiver: Value;
  /** Name of the method, where it is a method. */
  readonly name: string | undefined;
  readonly args: readonly Value[];
  readonly isNew: boolean;
}

/** Evaluates a call: what the callee is, what reaches its callbacks, and what comes back. */
export function evaluateCall(evaluator: Evaluator, node: CallNode): Value {
  let receiver = NOTHING;
  let callee = NOTHING;
  let name: string | undefined;
  let late: FunctionLike | undefined;
  const isNew = node.type === "NewExpression";
  let target: Node = node.callee;
  while (
    target.type === "TSNonNullExpression" ||
    target.type === "TSAsExpression" ||
    target.type === "ParenthesizedExpression" ||
    target.type === "ChainExpression"
  )
    target = target.expression;
  if (target.type === "MemberExpression") {
    const member = evaluator.member(target);
    receiver = member.object;
    callee = member.value;
    name = member.name;
  } else if (target.type === "FunctionExpression" || target.type === "ArrowFunctionExpression") {
    late = target;
    callee = evaluator.functionValue(target);
  } else if (target.type !== "Super") callee = evaluator.evaluate(target);

  const inline: FunctionLike[] = late === undefined ? [] : [late];
  const args: Value[] = [];
  for (const argument of node.arguments) {
    if (argument.type === "FunctionExpression" || argument.type === "ArrowFunctionExpression") {
      inline.push(argument);
      args.push(evaluator.functionValue(argument));
    } else if (argument.type === "SpreadElement") {
      const spread = evaluator.evaluate(argument.argument);
      if (spread.items === undefined) args.push(tagged(spread.tags, spread.at));
      else args.push(...spread.items.slice(0, 4096));
    } else args.push(evaluator.evaluate(argument));
  }
  const call = unwrap({ node, callee, receiver, name, args, isNew });
  bindCallbacks(evaluator, call);
  for (const fn of inline) evaluator.enterFunction(fn);
  const result =
    isNew && call.callee.props !== undefined && call.callee.ref === undefined
      ? instance(evaluator, call)
      : resultOf(evaluator, call);
  record(evaluator, call, result);
  return result;
}

/** `` tag`text ${value}` `` is a call of `tag` with the text. */
export function evaluateTagged(evaluator: Evaluator, node: Extract<Node, { type: "TaggedTemplateExpression" }>): Value {
  const member = node.tag.type === "MemberExpression" ? evaluator.member(node.tag) : undefined;
  const callee = member?.value ?? evaluator.evaluate(node.tag);
  const text = evaluator.template(node.quasi);
  if (callee.ref === "String.raw") return text;
  const call: Call = {
    node,
    callee,
    receiver: member?.object ?? NOTHING,
    name: member?.name,
    args: [text],
    isNew: false,
  };
  const result = resultOf(evaluator, call);
  record(evaluator, call, result);
  return result;
}

/** `f.call(self, …)`, `f.apply(self, […])`, `Reflect.apply(f, self, […])`, `(0, f)(…)` all call `f`. */
function unwrap(call: Call): Call {
  const { args, receiver, name } = call;
  if (call.callee.ref === "Reflect.apply" || call.callee.ref === "Reflect.construct") {
    const list = args[call.callee.ref === "Reflect.apply" ? 2 : 1];
    return { ...call, callee: args[0] ?? NOTHING, receiver: args[1] ?? NOTHING, args: listOf(list), name: undefined };
  }
  const isCallable = receiver.ref !== undefined || receiver.fn !== undefined;
  if (!isCallable || (call.callee.fn !== undefined && receiver.props?.has(name ?? "") === true)) return call;
  if (name === "call")
    return { ...call, callee: receiver, receiver: args[0] ?? NOTHING, args: args.slice(1), name: undefined };
  if (name === "apply")
    return { ...call, callee: receiver, receiver: args[0] ?? NOTHING, args: listOf(args[1]), name: undefined };
  return call;
}

const listOf = (list: Value | undefined): readonly Value[] =>
  list === undefined ? [] : (list.items ?? (list.tags === 0 ? [] : [tagged(list.tags, list.at)]));

function record(evaluator: Evaluator, call: Call, result: Value): void {
  const { node, receiver, args, isNew } = call;
  if (evaluator.facts.calls.length > 50_000) return;
  const seen = new Set<string>();
  for (const callee of alternatives(call.callee)) {
    const ref = callee.ref ?? unknownMethod(call);
    if (ref === undefined || seen.has(ref)) continue;
    seen.add(ref);
    evaluator.facts.calls.push({
      node,
      start: node.start,
      end: node.end,
      ref,
      callee,
      receiver,
      args,
      isNew,
      result,
      when: evaluator.when,
    });
  }
}

/** Methods that matter on objects of which nothing is known. */
const tellingMethods: ReadonlySet<string> = new Set(
  "addEventListener removeEventListener on once setAttribute appendChild append createElement querySelector querySelectorAll postMessage insertAdjacentHTML getImageData send sendMail unref setData getData defineProperty replace kill exec evaluate fromWebToken __defineGetter__ push getThis getFunction sendText insertRule setProperty pipe".split(
    " ",
  ),
);

const unknownMethod = (call: Call): string | undefined =>
  call.name !== undefined && tellingMethods.has(call.name) && call.callee.fn === undefined
    ? `*.${call.name}`
    : undefined;

// What reaches callbacks.

function bindCallbacks(evaluator: Evaluator, call: Call): void {
  const { callee, args, name, receiver } = call;
  for (const option of alternatives(callee)) if (option.fn !== undefined) evaluator.pass(option.fn, args);
  if (callee.fn !== undefined && receiver.props !== undefined) selfOf(evaluator, callee.fn, receiver);
  const callbacks = args.flatMap((arg, index) => (arg.fn === undefined ? [] : [{ fn: arg.fn, index }]));
  const options = args.find((arg) => arg.props !== undefined && arg.fn === undefined);
  if (callbacks.length === 0) {
    if (options?.props !== undefined) bindOptions(evaluator, call, options.props);
    return;
  }
  const ref = callee.ref;
  if (ref === "setTimeout" || ref === "setInterval" || ref === "timers.setTimeout" || ref === "timers.setInterval") {
    const delay = args[1]?.number ?? 0;
    for (const { fn } of callbacks) delayed(evaluator, fn, delay);
    return;
  }
  if (ref === "Promise" && call.isNew) {
    for (const { fn } of callbacks) evaluator.pass(fn, [new Value({ fn: evaluator.functionInfo(call.node) })]);
    return;
  }
  const event = args[0]?.isConstant ? args[0].shape : undefined;
  if (event !== undefined && name !== undefined && LISTENERS.has(name)) {
    const tags = eventTags(event) | receiver.tags;
    for (const { fn } of callbacks) {
      if (fn.event !== event) evaluator.changed ||= fn.wasRead;
      fn.event = event;
      fn.eventTarget = receiver.ref ?? fn.eventTarget;
      evaluator.pass(fn, [
        tags === 0 && receiver.ref === undefined
          ? NOTHING
          : new Value({
              tags,
              at: call.node.start,
              ref: receiver.ref?.startsWith("#") === true ? receiver.ref : undefined,
            }),
      ]);
    }
    return;
  }
  const given = callbackValue(call);
  if (given === NOTHING) return;
  for (const { fn, index } of callbacks) {
    if (index > 0 && receiver.items !== undefined) continue;
    const isReducer = name === "reduce" || name === "reduceRight";
    evaluator.pass(
      fn,
      isReducer ? [join(args[1] ?? NOTHING, given), given] : isArrayMethod(name) ? [given] : [given, given, given],
    );
  }
}

function selfOf(evaluator: Evaluator, fn: FunctionInfo, receiver: Value): void {
  if (fn.self !== receiver && fn.self === NOTHING) {
    fn.self = receiver;
    if (fn.wasRead) evaluator.changed = true;
  }
}

const LISTENERS = new Set([
  "on",
  "once",
  "addEventListener",
  "addListener",
  "prependListener",
  "attachEvent",
  "bind",
  "subscribe",
]);
const isArrayMethod = (name: string | undefined): boolean =>
  name === "map" ||
  name === "forEach" ||
  name === "filter" ||
  name === "flatMap" ||
  name === "some" ||
  name === "every" ||
  name === "find" ||
  name === "then";

function delayed(evaluator: Evaluator, fn: FunctionInfo, delay: number): void {
  if (delay <= fn.delayMs) return;
  fn.delayMs = delay;
  if (fn.wasRead) evaluator.changed = true;
}

/** What a callback of this call is handed. */
function callbackValue(call: Call): Value {
  const { callee, receiver, args, node } = call;
  const effect = effectOf(callee.ref);
  if (effect !== undefined) {
    const tags =
      (effect.calls ?? effect.gives ?? 0) |
      (effect.sink === undefined ? fileTags(callee.ref, args) : 0) |
      receiver.tags;
    const ref = effect.becomes?.startsWith("#") === true ? effect.becomes : undefined;
    if (tags === 0 && ref === undefined) return receiver.items === undefined ? NOTHING : elementOf(receiver);
    return new Value({ tags, at: node.start, ref });
  }
  if (receiver.items !== undefined) return elementOf(receiver);
  if (call.name === "then") return receiver;
  if (receiver.tags !== 0)
    return new Value({
      tags: receiver.tags,
      at: receiver.at,
      ref: receiver.ref?.startsWith("#") === true ? receiver.ref : undefined,
    });
  const given = args.reduce((sum, arg) => sum | (arg.fn === undefined ? arg.tags : 0), 0);
  return callee.fn === undefined && callee.ref !== undefined && !callee.ref.startsWith("?")
    ? tagged(given, node.start)
    : NOTHING;
}

/** Callbacks in an object of options: `{ success(text) { … } }`, `{ get(target, key) { … } }`. */
function bindOptions(evaluator: Evaluator, call: Call, options: Map<string, Value>): void {
  const given = callbackValue(call);
  if (given === NOTHING) return;
  for (const value of options.values()) if (value.fn !== undefined) evaluator.pass(value.fn, [given]);
}

// What comes back.

function resultOf(evaluator: Evaluator, call: Call): Value {
  const { callee } = call;
  if (callee.fn !== undefined) {
    const local = localResult(evaluator, callee.fn, call);
    return callee.ref === undefined ? local : join(local, referencedResult(evaluator, call, callee.ref));
  }
  const folded = methodResult(evaluator, call);
  if (folded !== undefined) return folded;
  if (callee.ref !== undefined) return referencedResult(evaluator, call, callee.ref);
  return unknownResult(call);
}

function localResult(evaluator: Evaluator, fn: FunctionInfo, call: Call): Value {
  const result = evaluator.resultOf(fn);
  const { node } = fn;
  const isFunction =
    node?.type === "FunctionDeclaration" ||
    node?.type === "FunctionExpression" ||
    node?.type === "ArrowFunctionExpression";
  // A small decoder called with constants is followed for these constants alone.
  const isDecoder = call.args.some(
    (arg) => arg.items !== undefined || (arg.isConstant && arg.shape !== "true" && arg.shape !== "false"),
  );
  if (isFunction && isDecoder && call.args.every((arg) => arg.isConstant || arg.items !== undefined)) {
    const inlined = inline(evaluator, node, fn, call.args);
    if (inlined !== undefined && (inlined.isConstant || inlined.items !== undefined)) return inlined;
  }
  return result;
}

const MAX_INLINE = 3;

function inline(evaluator: Evaluator, node: FunctionLike, fn: FunctionInfo, args: readonly Value[]): Value | undefined {
  if (evaluator.isInlining >= MAX_INLINE || node.body === null) return undefined;
  let body: Node = node.body;
  if (body.type === "BlockStatement") {
    const [only, second] = body.body;
    if (only?.type !== "ReturnStatement" || second !== undefined || only.argument === null) return undefined;
    body = only.argument;
  }
  const length = body.end - body.start;
  if (length > 400 || node.params.length > 6 || !evaluator.steps(20 + length)) return undefined;
  const { scope, facts, changed } = evaluator;
  const bindings = node.params.map((parameter) =>
    parameter.type === "Identifier" ? evaluator.scopeOf(node, scope, true, []).declare(parameter.name) : undefined,
  );
  if (bindings.includes(undefined)) return undefined;
  const saved = bindings.map((binding) => binding?.value ?? NOTHING);
  const savedArgs = fn.args;
  evaluator.isInlining += 1;
  for (const [index, binding] of bindings.entries()) if (binding !== undefined) binding.value = args[index] ?? NOTHING;
  evaluator.scope = evaluator.scopeOf(node, scope, true, []);
  const value = evaluator.evaluateAgain(body);
  evaluator.scope = scope;
  for (const [index, binding] of bindings.entries()) if (binding !== undefined) binding.value = saved[index] ?? NOTHING;
  fn.args = savedArgs;
  evaluator.isInlining -= 1;
  evaluator.facts = facts;
  evaluator.changed = changed;
  return value;
}

function instance(evaluator: Evaluator, call: Call): Value {
  const { callee, args } = call;
  if (callee.fn !== undefined) evaluator.pass(callee.fn, args);
  return new Value({ props: callee.props });
}

/** Array methods whose callback is known, and methods of constants. */
function methodResult(evaluator: Evaluator, call: Call): Value | undefined {
  const { receiver, name, args, node } = call;
  if (name === undefined) return undefined;
  const callback = args[0]?.fn;
  if (callback !== undefined) {
    if (name === "then" || name === "catch" || name === "finally") {
      const own = evaluator.resultOf(callback);
      return own === NOTHING && receiver.ref !== undefined ? tagged(receiver.tags, receiver.at) : own;
    }
    if (
      name === "map" ||
      name === "flatMap" ||
      name === "reduce" ||
      name === "replace" ||
      name === "replaceAll" ||
      name === "sort" ||
      name === "filter"
    ) {
      return mapResult(evaluator, call, callback);
    }
  }
  if (receiver.items !== undefined || receiver.shape !== undefined) {
    const folded = foldMethod(receiver, name, args, evaluator.steps);
    if (folded !== undefined) {
      if ((folded.made & CONCEALED) !== 0 && folded.isConstant) evaluator.concealed(node, folded);
      return folded;
    }
  }
  if (
    name === "push" ||
    name === "unshift" ||
    name === "add" ||
    name === "set" ||
    name === "append" ||
    name === "write"
  )
    rememberMember(evaluator, call);
  return undefined;
}

function mapResult(evaluator: Evaluator, call: Call, callback: FunctionInfo): Value {
  const { receiver, name, node } = call;
  if (name === "filter" || name === "sort") return receiver;
  const own = evaluator.resultOf(callback);
  const source = receiver.items;
  const fn = callback.node;
  if (name === "map" && source !== undefined && source.length <= 1024 && fn?.type === "ArrowFunctionExpression") {
    const items: Value[] = [];
    for (const [index, item] of source.entries()) {
      const value = inline(evaluator, fn, callback, [item, numberValue(index)]);
      if (value === undefined || (!value.isConstant && value.items === undefined)) break;
      items.push(value);
    }
    if (items.length === source.length && items.length > 0) return arrayValue(items, node.start);
    // The letters are not known, but that they are put together one by one is.
    return new Value({ items: [own], tags: own.tags | receiver.tags, at: own.at >= 0 ? own.at : node.start });
  }
  const kept = name === "replace" || name === "replaceAll" ? receiver.tags : receiver.tags & ~0;
  return withTags(
    name === "map" || name === "flatMap"
      ? new Value({ tags: own.tags, at: own.at, items: [own] })
      : tagged(own.tags, own.at),
    kept,
    receiver.at,
  );
}

/** `list.push(secret)`: the list now carries what was put into it. */
function rememberMember(evaluator: Evaluator, call: Call): void {
  const tags = call.args.reduce((sum, arg) => sum | arg.tags, 0);
  const target =
    call.node.type === "CallExpression" && call.node.callee.type === "MemberExpression"
      ? call.node.callee.object
      : undefined;
  if (tags === 0 || target === undefined) return;
  const at = call.args.find((arg) => arg.tags !== 0)?.at ?? call.node.start;
  if (target.type === "Identifier") {
    const binding = evaluator.scope.resolve(target.name);
    if (binding !== undefined) evaluator.bind(binding, tagged(tags, at));
  } else if (target.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
    const object = evaluator.evaluateAgain(target.object);
    if (object.props !== undefined) evaluator.setMember(object.props, target.property.name, tagged(tags, at));
  }
}

/** Tags that come from which file is read. */
export function fileTags(ref: string | undefined, args: readonly Value[]): number {
  if (ref === undefined || !/(?:^|\.)(?:fs|Deno|Bun|\?\.fs)\b/u.test(ref) || !/read|file|copy/iu.test(ref)) return 0;
  const path = args[0];
  if (path === undefined) return 0;
  let tags = (path.tags & tag.self) !== 0 ? tag.self : 0;
  for (const option of alternatives(path)) {
    const topics = topicsOf(option.shape);
    if ((topics & (topic.credentialPath | topic.walletPath)) !== 0) tags |= tag.credential;
    if ((topics & topic.browserPath) !== 0) tags |= tag.browser;
    if ((topics & topic.media) !== 0) tags |= tag.media;
    if (option.shape?.includes("/proc/self/environ") === true) tags |= tag.environment;
  }
  return tags;
}

const PATH_JOINS = new Set(["path.join", "path.resolve", "path.normalize", "?.join"]);

function referencedResult(evaluator: Evaluator, call: Call, ref: string): Value {
  const { args, node } = call;
  if (ref.startsWith("#code:")) return evaluator.global(globalRef(ref.slice(6)));
  const special = SPECIAL.get(ref);
  const value = special?.(evaluator, call);
  if (value !== undefined) return value;
  if (PATH_JOINS.has(ref)) return joinPath(args);
  const effect = effectOf(ref);
  if (effect === undefined) return unknownResult(call);
  if (effect.sink === "load" && ref.endsWith("require")) return requireResult(evaluator, call);
  if (effect.sink === "load" && (ref.endsWith("_load") || ref.endsWith("getBuiltinModule") || ref.endsWith("inding")))
    return requireResult(evaluator, call);
  if (effect.sink === "code") return codeResult(evaluator, args, ref);
  let tags = (effect.gives ?? 0) | fileTags(ref, args);
  if (effect.passes === true) for (const arg of args) tags |= arg.tags;
  if (
    effect.sink === "send" &&
    args.some((arg) => alternatives(arg).some((one) => (topicsOf(one.shape) & topic.geolocates) !== 0))
  )
    tags |= tag.locale | tag.identity;
  if (effect.becomes !== undefined) return new Value({ ref: effect.becomes, tags, at: node.start });
  const at = args.find((arg) => arg.at >= 0)?.at ?? node.start;
  if (effect.passes === true && args.length > 0) return passed(args, ref, tags, at);
  return tags === 0 ? NOTHING : new Value({ tags, at: node.start });
}

/** `Object.assign({}, secrets)` and the like: the first argument's shape with everybody's tags. */
function passed(args: readonly Value[], ref: string, tags: number, at: number): Value {
  const [first] = args;
  if (
    first !== undefined &&
    (ref === "Promise.resolve" ||
      ref === "Object.freeze" ||
      ref === "util.promisify" ||
      ref === "URL" ||
      ref === "Request" ||
      ref === "String")
  )
    return withTags(first, tags, at);
  if (ref === "Promise.all" && first?.items !== undefined) return first;
  return tagged(tags, at);
}

function requireResult(evaluator: Evaluator, call: Call): Value {
  const [specifier] = call.args;
  return specifier === undefined ? NOTHING : evaluator.load(specifier, call.node, false, false);
}

/** What code in a text gives back, where it is as short as `return process`. */
function codeResult(evaluator: Evaluator, args: readonly Value[], ref: string): Value {
  const text = args.at(-1);
  if (text?.isConstant === true && text.shape !== undefined && text.shape.length < 200) {
    const match = /^\s*(?:return\s+)?([\w$.]+)\s*;?\s*$/u.exec(text.shape);
    const name = match?.[1] === "this" ? "globalThis" : match?.[1];
    if (name !== undefined)
      return ref === "eval" ? evaluator.global(globalRef(name)) : evaluator.global(`#code:${name}`);
  }
  return NOTHING;
}

/** A call of which nothing is known keeps the strongest tags of what it was given. */
function unknownResult(call: Call): Value {
  const { receiver, args, callee, name, node } = call;
  if (name === "getImageData") return tagged(tag.media, node.start);
  let tags = receiver.tags | (callee.fn === undefined ? callee.tags : 0);
  const isTest = name === "test" || name === "exec" || name === "includes" || name === "match";
  for (const arg of args) tags |= isTest ? arg.tags & CONDITION : arg.tags & ~(tag.clock | tag.random | tag.locale);
  const [first] = args;
  // `_interopRequireDefault(require("fs"))` and its relatives hand the module through.
  if (first?.ref !== undefined && args.length <= 2 && !call.isNew && name === undefined)
    return withTags(first, tags, first.at);
  if (
    name === "match" ||
    name === "exec" ||
    name === "test" ||
    name === "indexOf" ||
    name === "includes" ||
    name === "startsWith" ||
    name === "endsWith"
  )
    tags &= ~tag.browser;
  if (tags === 0) return NOTHING;
  const at = receiver.at >= 0 ? receiver.at : (args.find((arg) => arg.at >= 0)?.at ?? node.start);
  return new Value({ tags, at, ref: receiver.ref?.startsWith("#") === true ? receiver.ref : undefined });
}

type Special = (evaluator: Evaluator, call: Call) => Value | undefined;

const decodeWith =
  (encoding: string): Special =>
  (evaluator, { args: [source], node }) => {
    if (source === undefined || !evaluator.steps(1 + ((source.shape?.length ?? 0) >> 4))) return undefined;
    const value = decodeText(source, encoding, node.start);
    if (value !== undefined && value !== source) evaluator.concealed(node, value);
    return value;
  };

const bufferFrom: Special = (evaluator, call) => {
  const [source, encoding] = call.args;
  const name = encoding?.isConstant === true ? (encoding.shape ?? "").toLowerCase() : "utf8";
  if (source === undefined) return undefined;
  if (name === "base64" || name === "base64url" || name === "hex") {
    const value = decodeWith(name === "hex" ? "hex" : "base64")(evaluator, call);
    return value ?? tagged(source.tags | tag.decoded, source.at >= 0 ? source.at : call.node.start);
  }
  if (source.items !== undefined && source.items.every((item) => item.number !== undefined))
    return fromCodes(source.items, call.node.start);
  return source.also === undefined ? source : tagged(source.tags, source.at);
};

const SPECIAL: ReadonlyMap<string, Special> = new Map<string, Special>([
  ["atob", decodeWith("base64")],
  ["decodeURIComponent", decodeWith("percent")],
  ["decodeURI", decodeWith("percent")],
  ["unescape", decodeWith("percent")],
  ["Buffer.from", bufferFrom],
  ["buffer.Buffer.from", bufferFrom],
  ["Buffer", bufferFrom],
  ["String.fromCharCode", codes],
  ["String.fromCodePoint", codes],
  ["Uint8Array.from", first],
  ["Uint8Array", first],
  [
    "Array.from",
    (evaluator, call) =>
      call.args[1]?.fn === undefined
        ? spreadable(call.args[0])
        : mapResult(
            evaluator,
            { ...call, receiver: spreadable(call.args[0]) ?? NOTHING, name: "map", args: call.args.slice(1) },
            call.args[1].fn,
          ),
  ],
  ["Promise.all", first],
  ["TextDecoder", () => NOTHING],
  [
    "Reflect.get",
    (evaluator, { args: [object, key] }) =>
      object !== undefined && key?.isConstant === true && key.shape !== undefined
        ? evaluator.memberOf(object, key.shape)
        : undefined,
  ],
  [
    "Object.getPrototypeOf",
    (evaluator, { args: [object] }) =>
      object?.fn === undefined ? prototypeOf(evaluator, object) : evaluator.global("#prototype-of-function"),
  ],
  ["Object.assign", (evaluator, { args: [target, ...sources] }) => assigned(evaluator, target, sources)],
  ["parseInt", number],
  ["Number", number],
  [
    "document.createElement",
    (evaluator, { args: [name] }) =>
      evaluator.global(`element:${(name?.isConstant === true ? name.shape : undefined)?.toLowerCase() ?? "?"}`),
  ],
  ["Image", (evaluator) => evaluator.global("element:img")],
  ["Audio", (evaluator) => evaluator.global("element:audio")],
  ["Promise", (evaluator, { node, isNew }) => (isNew ? promised(evaluator, node) : undefined)],
  ["util.promisify", first],
  ["module.createRequire", (evaluator) => evaluator.global("require")],
  ["String", (_evaluator, { args: [value] }) => value],
  ["import.meta.glob", () => NOTHING],
]);

function codes(evaluator: Evaluator, { args, node }: Call): Value | undefined {
  const value = evaluator.steps(args.length) ? fromCodes(args, node.start) : undefined;
  if (value === undefined) return undefined;
  if (value.isConstant && (value.shape?.length ?? 0) > 1) evaluator.concealed(node, value);
  return value;
}

function first(_evaluator: Evaluator, { args }: Call): Value | undefined {
  return args[0];
}

function spreadable(value: Value | undefined): Value | undefined {
  if (
    value?.items !== undefined ||
    value?.isConstant !== true ||
    value.shape === undefined ||
    value.shape.length > 4096
  )
    return value;
  return arrayValue(
    [...value.shape].map((letter) => textValue(letter, value.made, value.tags, value.at)),
    value.at,
  );
}

function prototypeOf(evaluator: Evaluator, object: Value | undefined): Value | undefined {
  return object?.ref === undefined ? undefined : evaluator.global(memberRef(object.ref, "__proto__") ?? "?.__proto__");
}

function assigned(evaluator: Evaluator, target: Value | undefined, sources: readonly Value[]): Value | undefined {
  if (target === undefined) return undefined;
  let tags = target.tags;
  for (const source of sources) {
    tags |= source.tags;
    if (source.props !== undefined && target.props !== undefined)
      for (const [name, value] of source.props) evaluator.setMember(target.props, name, value);
  }
  return withTags(target, tags, sources.find((source) => source.at >= 0)?.at ?? -1);
}

function number(_evaluator: Evaluator, { args: [text, radix], callee }: Call): Value | undefined {
  if (text?.isConstant !== true || text.shape === undefined || text.also !== undefined) return undefined;
  const value = callee.ref === "parseInt" ? Number.parseInt(text.shape, radix?.number ?? 10) : Number(text.shape);
  return Number.isNaN(value) ? undefined : numberValue(value, text.tags, text.at);
}

/** A promise is worth whatever its executor hands to `resolve`. */
function promised(evaluator: Evaluator, node: Node): Value {
  const resolve = evaluator.functionInfo(node);
  resolve.wasRead = true;
  return resolve.args[0] ?? NOTHING;
}
