import type { Node } from "oxc-parser";
import type { Call } from "./call.ts";
import type { Evaluation } from "./evaluation.ts";
import { decodeText, fromCodes } from "./fold.ts";
import { classOfLiteral } from "./literals.ts";
import { mapResult } from "./inlining.ts";
import { noteWrite } from "./patterns.ts";
import { memberRef } from "./references.ts";
import { tag } from "./tags.ts";
import { arrayValue, NOTHING, numberValue, tagged, textValue, Value, withTags } from "./value.ts";

/** What a well-known function gives back when a table of effects cannot say it. */
type KnownCall = (evaluation: Evaluation, call: Call) => Value | undefined;

const decodeWith =
  (encoding: string): KnownCall =>
  (evaluation, { args: [source], node }) => {
    if (source === undefined || !evaluation.steps(1 + ((source.shape?.length ?? 0) >> 4))) return undefined;
    const value = decodeText(source, encoding, node.start);
    if (value !== undefined && value !== source) evaluation.concealed(node, value);
    return value;
  };

const bufferFrom: KnownCall = (evaluation, call) => {
  const [source, encoding] = call.args;
  const name = encoding?.isConstant === true ? (encoding.shape ?? "").toLowerCase() : "utf8";
  if (source === undefined) return undefined;
  if (name === "base64" || name === "base64url" || name === "hex") {
    const value = decodeWith(name === "hex" ? "hex" : "base64")(evaluation, call);
    return value ?? tagged(source.tags | tag.decoded, source.at >= 0 ? source.at : call.node.start);
  }
  if (source.items !== undefined && source.items.every((item) => item.number !== undefined))
    return fromCodes(source.items, call.node.start);
  return source.also === undefined ? source : tagged(source.tags, source.at);
};

/** By reference. */
export const knownCalls: ReadonlyMap<string, KnownCall> = new Map<string, KnownCall>([
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
    (evaluation, call) =>
      call.args[1]?.fn === undefined
        ? spreadable(call.args[0])
        : mapResult(
            evaluation,
            { ...call, receiver: spreadable(call.args[0]) ?? NOTHING, name: "map", args: call.args.slice(1) },
            call.args[1].fn,
          ),
  ],
  // Of a form it is what the user entered; an empty one is filled by the program itself.
  [
    "FormData",
    (_evaluation, { args: [form], node }) => (form === undefined ? NOTHING : tagged(form.tags | tag.form, node.start)),
  ],
  ["Promise.all", first],
  [
    "Proxy",
    (_evaluation, { args: [target, handler], isNew }) =>
      isNew && handler?.props !== undefined
        ? new Value({ ref: "Proxy", props: handler.props, tags: target?.tags ?? 0, at: target?.at ?? -1 })
        : undefined,
  ],
  ["TextDecoder", (evaluation) => evaluation.global("#text-decoder")],
  [
    "#text-decoder.decode",
    (_evaluation, { args: [bytes], node }) =>
      bytes?.items === undefined ? bytes : (fromCodes(bytes.items.slice(0, 4096), node.start) ?? bytes),
  ],
  ["document.querySelector", element],
  ["document.querySelectorAll", element],
  ["document.getElementById", element],
  ["require.resolve", (evaluation) => evaluation.global("#module-path")],
  [
    "Reflect.get",
    (evaluation, { args: [object, key] }) =>
      object !== undefined && key?.isConstant === true && key.shape !== undefined
        ? evaluation.memberOf(object, key.shape)
        : undefined,
  ],
  [
    "Object.getPrototypeOf",
    (evaluation, { args: [object], node }) => {
      const [argument] = node.type === "CallExpression" ? node.arguments : [];
      const owner = argument === undefined ? undefined : classOfLiteral(argument);
      if (owner !== undefined) return evaluation.global(`${owner}.prototype`);
      return object?.fn === undefined ? prototypeOf(evaluation, object) : evaluation.global("#prototype-of-function");
    },
  ],
  ["Object.assign", (evaluation, { args: [target, ...sources], node }) => assigned(evaluation, node, target, sources)],
  ["parseInt", number],
  ["Number", number],
  [
    "document.createElement",
    (evaluation, { args: [name] }) =>
      evaluation.global(`element:${(name?.isConstant === true ? name.shape : undefined)?.toLowerCase() ?? "?"}`),
  ],
  ["Image", (evaluation) => evaluation.global("element:img")],
  ["Audio", (evaluation) => evaluation.global("element:audio")],
  ["Promise", (evaluation, { node, isNew }) => (isNew ? promised(evaluation, node) : undefined)],
  ["util.promisify", first],
  ["module.createRequire", (evaluation) => evaluation.global("require")],
  ["String", (_evaluation, { args: [value] }) => value],
  ["import.meta.glob", () => NOTHING],
]);

/** Fields for secrets, and all fields at once, are what the user enters; one field of a page's own is not. */
const FIELDS =
  /password|passwd|card|\bcc-|credit|cvv|cvc|expiry|iban|ssn|\bpin\b|otp|secret|\bseed|mnemonic|^\s*(?:input|textarea|form)\s*(?:$|,|\[type=["']?(?:text|email|tel))/iu;

function element(_evaluation: Evaluation, { args: [selector], node, name }: Call): Value | undefined {
  const isFields =
    selector?.isConstant === true &&
    FIELDS.test(selector.shape ?? "") &&
    (name === "querySelectorAll" || !/^\s*(?:input|textarea|form)\s*$/u.test(selector.shape ?? ""));
  return isFields ? tagged(tag.form, node.start) : undefined;
}

function codes(evaluation: Evaluation, { args, node }: Call): Value | undefined {
  const value = evaluation.steps(args.length) ? fromCodes(args, node.start) : undefined;
  if (value === undefined) return undefined;
  if (value.isConstant && (value.shape?.length ?? 0) > 1) evaluation.concealed(node, value);
  return value;
}

function first(_evaluation: Evaluation, { args }: Call): Value | undefined {
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
    Array.from(value.shape, (letter) => textValue(letter, value.made, value.tags, value.at)),
    value.at,
  );
}

function prototypeOf(evaluation: Evaluation, object: Value | undefined): Value | undefined {
  return object?.ref === undefined ? undefined : evaluation.global(memberRef(object.ref, "__proto__") ?? "?.__proto__");
}

function assigned(
  evaluation: Evaluation,
  node: Node,
  target: Value | undefined,
  sources: readonly Value[],
): Value | undefined {
  if (target === undefined) return undefined;
  let tags = target.tags;
  for (const source of sources) {
    tags |= source.tags;
    if (target.ref?.startsWith("element:") === true)
      for (const [name, value] of source.props ?? [])
        noteWrite(evaluation, node, memberRef(target.ref, name), target, name, value, "=");
    if (source.props !== undefined && target.props !== undefined)
      for (const [name, value] of source.props) evaluation.setMember(target.props, name, value);
  }
  return withTags(target, tags, sources.find((source) => source.at >= 0)?.at ?? -1);
}

function number(_evaluation: Evaluation, { args: [text, radix], callee }: Call): Value | undefined {
  if (text?.isConstant !== true || text.shape === undefined || text.also !== undefined) return undefined;
  const value = callee.ref === "parseInt" ? Number.parseInt(text.shape, radix?.number ?? 10) : Number(text.shape);
  return Number.isNaN(value) ? undefined : numberValue(value, text.tags, text.at);
}

/** A promise is worth whatever its executor hands to `resolve`. */
function promised(evaluation: Evaluation, node: Node): Value {
  const resolve = evaluation.functionInfo(node);
  resolve.wasRead = true;
  return resolve.args[0] ?? NOTHING;
}
