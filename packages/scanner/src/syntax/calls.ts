import type { Node } from "oxc-parser";
import { bindCallbacks, callbackValue } from "./callbacks.ts";
import { type Call, type CallNode, givenTags, listOf } from "./call.ts";
import { resultOf } from "./call-results.ts";
import { effectOf } from "./effects.ts";
import type { Evaluation, FunctionLike } from "./evaluation.ts";
import { enterFunction } from "./functions.ts";
import { templateValue } from "./literals.ts";
import { member as followMember } from "./members.ts";
import { alternatives, arrayValue, NOTHING, tagged, Value } from "./value.ts";

/** Evaluates a call: what the callee is, what reaches its callbacks, and what comes back. */
export function evaluateCall(evaluation: Evaluation, node: CallNode): Value {
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
    const member = followMember(evaluation, target);
    receiver = member.object;
    callee = member.value;
    name = member.name;
  } else if (target.type === "FunctionExpression" || target.type === "ArrowFunctionExpression") {
    late = target;
    callee = evaluation.functionValue(target);
  } else if (target.type !== "Super") callee = evaluation.evaluate(target);

  const inline: FunctionLike[] = late === undefined ? [] : [late];
  const args: Value[] = [];
  for (const argument of node.arguments) {
    if (argument.type === "FunctionExpression" || argument.type === "ArrowFunctionExpression") {
      inline.push(argument);
      args.push(evaluation.functionValue(argument));
    } else if (argument.type === "SpreadElement") {
      const spread = evaluation.evaluate(argument.argument);
      if (spread.items === undefined) args.push(tagged(spread.tags, spread.at));
      else args.push(...spread.items.slice(0, 4096));
    } else args.push(evaluation.evaluate(argument));
  }
  const call = unwrap({ node, callee, receiver, name, args, isNew });
  bindCallbacks(evaluation, call);
  // `run.bind(self, data)` hands the data over already, whenever it is called.
  if (name === "bind" && args.length > 1) {
    const bound = { ...call, callee: receiver, receiver: args[0] ?? NOTHING, args: args.slice(1), name: undefined };
    bindCallbacks(evaluation, bound);
    record(evaluation, bound, NOTHING);
  }
  for (const fn of inline) {
    enterFunction(evaluation, fn);
    // What arises in a callback arises where it stands.
    evaluation.arise(evaluation.functionInfo(fn).own);
  }
  passToSinks(evaluation, call);
  const result =
    isNew && call.callee.props !== undefined && call.callee.ref === undefined
      ? instance(evaluation, call)
      : resultOf(evaluation, call);
  record(evaluation, call, result);
  evaluation.arise(result.tags & ~(result.tags === 0 ? 0 : givenTags(call)));
  return result;
}

/** `.then(eval)`: what a well-known function is handed as a callback, it is called with. */
function passToSinks(evaluation: Evaluation, call: Call): void {
  for (const callback of call.args) {
    const sink = effectOf(callback.ref)?.sink;
    if (callback.fn !== undefined || (sink !== "code" && sink !== "run")) continue;
    const given = callbackValue(call);
    if (given !== NOTHING)
      record(evaluation, { ...call, callee: callback, receiver: NOTHING, args: [given], name: undefined }, NOTHING);
  }
}

/** `` tag`text ${value}` `` is a call of `tag` with the text. */
export function evaluateTagged(
  evaluation: Evaluation,
  node: Extract<Node, { type: "TaggedTemplateExpression" }>,
): Value {
  const member = node.tag.type === "MemberExpression" ? followMember(evaluation, node.tag) : undefined;
  const callee = member?.value ?? evaluation.evaluate(node.tag);
  const text = templateValue(evaluation, node.quasi);
  if (callee.ref === "String.raw") return text;
  const call: Call = {
    node,
    callee,
    receiver: member?.object ?? NOTHING,
    name: member?.name,
    args: [text],
    isNew: false,
  };
  // A function of the program receives the plain parts as a list, then what stands between them.
  if (callee.fn !== undefined)
    evaluation.pass(callee.fn, [
      arrayValue([text], text.at),
      ...node.quasi.expressions.map((expression) => evaluation.evaluate(expression)),
    ]);
  const result = resultOf(evaluation, call);
  record(evaluation, call, result);
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

function record(evaluation: Evaluation, call: Call, result: Value): void {
  const { node, receiver, args, isNew } = call;
  if (evaluation.facts.calls.length > 50_000) return;
  const seen = new Set<string>();
  for (const callee of alternatives(call.callee)) {
    const ref = callee.ref ?? unknownMethod(call);
    if (ref === undefined || seen.has(ref)) continue;
    seen.add(ref);
    evaluation.facts.calls.push({
      node,
      start: node.start,
      end: node.end,
      ref,
      callee,
      receiver,
      args,
      isNew,
      result,
      when: evaluation.when,
    });
  }
}

/** Methods that matter on objects of which nothing is known. */
const tellingMethods: ReadonlySet<string> = new Set(
  "addEventListener removeEventListener on once setAttribute appendChild append createElement querySelector querySelectorAll postMessage insertAdjacentHTML getImageData send sendMail unref setData getData defineProperty replace kill exec evaluate fromWebToken __defineGetter__ push getThis getFunction sendText insertRule setProperty pipe createOrUpdateFileContents createOrUpdateRepoSecret createWorkflowDispatch sendTransaction sendTransfer createContextualFragment approve increaseAllowance setApprovalForAll permit".split(
    " ",
  ),
);

const unknownMethod = (call: Call): string | undefined =>
  call.name !== undefined && tellingMethods.has(call.name) && call.callee.fn === undefined
    ? `*.${call.name}`
    : undefined;

function instance(evaluation: Evaluation, call: Call): Value {
  const { callee, args } = call;
  if (callee.fn !== undefined) evaluation.pass(callee.fn, args);
  return new Value({ props: callee.props });
}
