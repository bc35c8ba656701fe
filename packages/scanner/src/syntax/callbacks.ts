import type { Call } from "./call.ts";
import { effectOf } from "./effects.ts";
import type { Evaluation } from "./evaluation.ts";
import { eventTags } from "./events.ts";
import { fileTags } from "./file-tags.ts";
import { type FunctionInfo, alternatives, elementOf, join, NOTHING, tagged, Value } from "./value.ts";

/** What reaches the callbacks of a call: timers, listeners, promises, array methods and known functions. */
export function bindCallbacks(evaluation: Evaluation, call: Call): void {
  const { callee, args, name, receiver } = call;
  for (const option of alternatives(callee)) if (option.fn !== undefined) evaluation.pass(option.fn, args);
  if (callee.fn !== undefined && receiver.props !== undefined) selfOf(evaluation, callee.fn, receiver);
  const callbacks = args.flatMap((arg, index) => (arg.fn === undefined ? [] : [{ fn: arg.fn, index }]));
  const options = args.find((arg) => arg.props !== undefined && arg.fn === undefined);
  if (callbacks.length === 0) {
    if (options?.props !== undefined) bindOptions(evaluation, call, options.props);
    return;
  }
  const ref = callee.ref;
  if (ref === "setTimeout" || ref === "setInterval" || ref === "timers.setTimeout" || ref === "timers.setInterval") {
    const delay = args[1]?.number ?? 0;
    for (const { fn } of callbacks) delayed(evaluation, fn, delay);
    return;
  }
  if (ref === "Promise" && call.isNew) {
    for (const { fn } of callbacks) evaluation.pass(fn, [new Value({ fn: evaluation.functionInfo(call.node) })]);
    return;
  }
  const event = args[0]?.isConstant ? args[0].shape : undefined;
  if (event !== undefined && LISTENERS.has(name ?? ref ?? "")) {
    const tags = eventTags(event) | receiver.tags;
    for (const { fn } of callbacks) {
      if (fn.event !== event) evaluation.changed ||= fn.wasRead;
      fn.event = event;
      fn.eventTarget = receiver.ref ?? fn.eventTarget;
      evaluation.pass(fn, [
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
    evaluation.pass(
      fn,
      isReducer ? [join(args[1] ?? NOTHING, given), given] : isArrayMethod(name) ? [given] : [given, given, given],
    );
  }
}

function selfOf(evaluation: Evaluation, fn: FunctionInfo, receiver: Value): void {
  if (fn.self !== receiver && fn.self === NOTHING) {
    fn.self = receiver;
    if (fn.wasRead) evaluation.changed = true;
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

function delayed(evaluation: Evaluation, fn: FunctionInfo, delay: number): void {
  if (delay <= fn.delayMs) return;
  fn.delayMs = delay;
  if (fn.wasRead) evaluation.changed = true;
}

/** What a callback of this call is handed. */
export function callbackValue(call: Call): Value {
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
function bindOptions(evaluation: Evaluation, call: Call, options: Map<string, Value>): void {
  const given = callbackValue(call);
  if (given === NOTHING) return;
  for (const value of options.values()) if (value.fn !== undefined) evaluation.pass(value.fn, [given]);
}
