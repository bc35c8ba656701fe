import { type Call, givenTags } from "./call.ts";
import { effectOf } from "./effects.ts";
import type { Evaluation } from "./evaluation.ts";
import { fileTags, outputTags } from "./file-tags.ts";
import { foldMethod, joinPath } from "./fold.ts";
import { inline, mapResult } from "./inlining.ts";
import { knownCalls } from "./known-calls.ts";
import { globalRef } from "./references.ts";
import { CONCEALED, CONDITION, tag } from "./tags.ts";
import { topic, topicsOf } from "./topics.ts";
import { commandOf } from "./transfers.ts";
import {
  type FunctionInfo,
  alternatives,
  deepTags,
  HOLE,
  join,
  keepTags,
  NOTHING,
  tagged,
  Value,
  withTags,
} from "./value.ts";

/** What a call gives back. */
export function resultOf(evaluation: Evaluation, call: Call): Value {
  const { callee } = call;
  if (callee.fn !== undefined) {
    const local = localResult(evaluation, callee.fn, call);
    return callee.ref === undefined ? local : join(local, referencedResult(evaluation, call, callee.ref));
  }
  const folded = methodResult(evaluation, call);
  if (folded !== undefined) return folded;
  if (callee.ref !== undefined) return referencedResult(evaluation, call, callee.ref);
  return unknownResult(call);
}

function localResult(evaluation: Evaluation, fn: FunctionInfo, call: Call): Value {
  const result = evaluation.resultOf(fn);
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
    const inlined = inline(evaluation, node, fn, call.args);
    if (inlined !== undefined && (inlined.isConstant || inlined.items !== undefined)) return inlined;
  }
  // What other callers hand in comes back to them, not to this one.
  if ((result.tags & ~fn.own) === 0) return result;
  return keepTags(result, fn.own | givenTags(call));
}

/** Array methods whose callback is known, and methods of constants. */
function methodResult(evaluation: Evaluation, call: Call): Value | undefined {
  const { receiver, name, args, node } = call;
  if (name === undefined) return undefined;
  const callback = args[name === "replace" || name === "replaceAll" ? 1 : 0]?.fn;
  if (callback !== undefined) {
    if (name === "then" || name === "catch" || name === "finally") {
      const own = evaluation.resultOf(callback);
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
      return mapResult(evaluation, call, callback);
    }
  }
  // A filter of which nothing is known may leave everything.
  if (name === "filter" && receiver.items !== undefined) return receiver;
  // The text of one of the program's own functions stands here for everybody to read.
  if (name === "toString" && receiver.fn !== undefined && call.callee.ref === undefined)
    return new Value({ shape: HOLE });
  if (name === "bind") return boundFunction(receiver);
  // A list that was pushed to holds more than it was written with.
  const hasGrown =
    receiver.items !== undefined && (receiver.tags & ~receiver.items.reduce((sum, item) => sum | item.tags, 0)) !== 0;
  if ((receiver.items !== undefined && !hasGrown) || receiver.shape !== undefined) {
    const folded = foldMethod(receiver, name, args, evaluation.steps);
    if (folded !== undefined) {
      if ((folded.made & CONCEALED) !== 0 && folded.isConstant) evaluation.concealed(node, folded);
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
    rememberMember(evaluation, call);
  return undefined;
}

/** `callback.bind(self, …)` is the function still; data that it is bound to does not make it text. */
function boundFunction({ fn, ref, props }: Value): Value {
  return fn === undefined && ref === undefined ? NOTHING : new Value({ fn, ref, props });
}

/** `list.push(secret)`: the list now carries what was put into it. */
function rememberMember(evaluation: Evaluation, call: Call): void {
  const tags = call.args.reduce((sum, arg) => sum | arg.tags, 0);
  const target =
    call.node.type === "CallExpression" && call.node.callee.type === "MemberExpression"
      ? call.node.callee.object
      : undefined;
  if (tags === 0 || target === undefined) return;
  const at = call.args.find((arg) => arg.tags !== 0)?.at ?? call.node.start;
  if (target.type === "Identifier") {
    const binding = evaluation.scope.resolve(target.name);
    if (binding !== undefined) evaluation.bind(binding, tagged(tags, at));
  } else if (target.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
    const object = evaluation.evaluateAgain(target.object);
    if (object.props !== undefined) evaluation.setMember(object.props, target.property.name, tagged(tags, at));
    else if (target.object.type === "Identifier") {
      // `url.searchParams.set(…)`: the whole carries what its part was given.
      const binding = evaluation.scope.resolve(target.object.name);
      if (binding !== undefined) evaluation.bind(binding, tagged(tags, at));
    }
  }
}

const PATH_JOINS = new Set(["path.join", "path.resolve", "path.normalize", "?.join"]);

function referencedResult(evaluation: Evaluation, call: Call, ref: string): Value {
  const { args, node } = call;
  if (ref.startsWith("#code:")) return evaluation.global(globalRef(ref.slice(6)));
  const special = knownCalls.get(ref);
  const value = special?.(evaluation, call);
  if (value !== undefined) return value;
  if (PATH_JOINS.has(ref)) return joinPath(args);
  const effect = effectOf(ref);
  if (effect === undefined) return unknownResult(call);
  if (effect.sink === "load" && ref.endsWith("require")) return requireResult(evaluation, call);
  if (effect.sink === "load" && (ref.endsWith("_load") || ref.endsWith("getBuiltinModule") || ref.endsWith("inding")))
    return requireResult(evaluation, call);
  if (effect.sink === "code") return codeResult(evaluation, args, ref);
  let tags = (effect.gives ?? 0) | fileTags(ref, args);
  if (effect.passes === true) for (const arg of args) tags |= arg.props === undefined ? arg.tags : deepTags(arg);
  if (effect.sink === "run") tags |= outputTags(commandOf(args));
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

function requireResult(evaluation: Evaluation, call: Call): Value {
  const [specifier] = call.args;
  return specifier === undefined ? NOTHING : evaluation.load(specifier, call.node, false, false);
}

/** What code in a text gives back, where it is as short as `return process`. */
function codeResult(evaluation: Evaluation, args: readonly Value[], ref: string): Value {
  const text = args.at(-1);
  if (text?.isConstant === true && text.shape !== undefined && text.shape.length < 200) {
    const match = /^\s*(?:return\s+)?([\w$.]+)\s*;?\s*$/u.exec(text.shape);
    const name = match?.[1] === "this" ? "globalThis" : match?.[1];
    if (name !== undefined)
      return ref === "eval" ? evaluation.global(globalRef(name)) : evaluation.global(`#code:${name}`);
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
  // A signature or a hash does not give away what it was made from.
  if (name !== undefined && /^(?:sign|verify|digest|hash|hmac)(?:[A-Z]|$)/u.test(name))
    return tagged(tags & CONDITION, node.start);
  if (name === "getTimezoneOffset") return tagged(tag.locale, node.start);
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
