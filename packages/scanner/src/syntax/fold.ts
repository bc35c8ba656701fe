import { bytesOfBase64, bytesOfHex, percentDecode, textOfBytes } from "./decode.ts";
import { made, tag } from "./tags.ts";
import { alternatives, arrayValue, HOLE, madeBy, NOTHING, numberValue, textValue, Value } from "./value.ts";

/** Longest text that folding may produce. */
const MAX_TEXT = 65_536;
const MAX_ALTERNATIVES = 16;

/** `a + b` of texts, alternative by alternative. */
export function concat(left: Value, right: Value, isOperator: boolean): Value {
  const tags = left.tags | right.tags;
  const at = left.at >= 0 ? left.at : right.at;
  const how = left.made | right.made;
  if (left.shape === undefined && right.shape === undefined) {
    return tags === 0 && how === 0 ? NOTHING : new Value({ tags, at, made: how });
  }
  const bothLiteral = isOperator && left.isConstant && right.isConstant;
  const results: Value[] = [];
  for (const a of alternatives(left)) {
    for (const b of alternatives(right)) {
      if (results.length >= MAX_ALTERNATIVES) break;
      const shape = squeeze((a.shape ?? HOLE) + (b.shape ?? HOLE));
      results.push(new Value({ shape, tags, at, made: how | (bothLiteral ? made.concat : 0) }));
    }
  }
  return collect(results, tags, at);
}

/** Holes next to each other say no more than one. */
function squeeze(shape: string): string | undefined {
  if (shape.length > MAX_TEXT) return shape.slice(0, MAX_TEXT) + HOLE;
  return shape.includes(HOLE + HOLE) ? shape.replaceAll(/\uFFFC+/gu, HOLE) : shape;
}

export function collect(results: readonly Value[], tags: number, at: number): Value {
  const [first, ...rest] = results;
  if (first === undefined) return new Value({ tags, at });
  if (rest.length === 0) return first;
  return new Value({
    shape: first.shape,
    number: first.number,
    items: first.items,
    made: first.made,
    tags: first.tags | tags,
    at,
    also: rest,
  });
}

/** `parts.join(separator)`. */
export function joinItems(items: readonly Value[], separator: string): Value {
  let shape = "";
  let tags = 0;
  let how = 0;
  let at = -1;
  let constants = 0;
  for (const [index, item] of items.entries()) {
    tags |= item.tags;
    how |= item.made;
    if (at < 0) at = item.at;
    if (item.isConstant) constants += 1;
    shape += (index === 0 ? "" : separator) + (item.shape ?? HOLE);
    if (shape.length > MAX_TEXT) return new Value({ tags, at });
  }
  // One path or list joined for reading is not a disguise; letters or fragments glued without a space are.
  const disguise =
    constants === items.length && items.length > 1 && (separator === "" || separator === "_" || separator === "-");
  return new Value({ shape: squeeze(shape), tags, at, made: how | (disguise ? made.join : 0) });
}

/** `path.join`: parts with a slash between, up-steps left as they are. */
export function joinPath(parts: readonly Value[]): Value {
  let results: Value[] = [textValue("")];
  let tags = 0;
  let at = -1;
  for (const part of parts) {
    tags |= part.tags;
    if (at < 0) at = part.at;
    const next: Value[] = [];
    for (const before of results) {
      for (const option of alternatives(part)) {
        if (next.length >= MAX_ALTERNATIVES) break;
        const head = before.shape ?? HOLE;
        const tail = option.shape ?? HOLE;
        const glue = head === "" || head.endsWith("/") || tail.startsWith("/") ? "" : "/";
        const shape = head.length + tail.length > MAX_TEXT ? HOLE : `${head}${glue}${tail}`.replaceAll("/./", "/");
        next.push(new Value({ shape, made: before.made | option.made, tags: part.tags | before.tags, at }));
      }
    }
    results = next;
  }
  return collect(results, tags, at);
}

type Method = (self: Value, args: readonly Value[], steps: (count: number) => boolean) => Value | undefined;

const textMethods = new Map<string, Method>([
  ["split", (self, [separator]) => splitText(self, separator)],
  ["concat", (self, args) => args.reduce((whole, part) => concat(whole, part, true), self)],
  ["slice", (self, args) => sliceText(self, args, false)],
  ["substring", (self, args) => sliceText(self, args, false)],
  ["substr", (self, args) => sliceText(self, args, true)],
  ["charAt", (self, args) => characterAt(self, args)],
  ["at", (self, args) => characterAt(self, args)],
  ["charCodeAt", (self, args) => codeAt(self, args)],
  ["codePointAt", (self, args) => codeAt(self, args)],
  ["toLowerCase", (self) => mapText(self, (text) => text.toLowerCase())],
  ["toUpperCase", (self) => mapText(self, (text) => text.toUpperCase())],
  ["trim", (self) => mapText(self, (text) => text.trim())],
  ["toString", (self) => (self.isConstant ? self : undefined)],
  ["valueOf", (self) => self],
  ["normalize", (self) => self],
  ["replace", (self, args) => replaceText(self, args)],
  ["replaceAll", (self, args) => replaceText(self, args)],
  ["repeat", (self, [count]) => repeatText(self, count?.number)],
  ["padStart", (self) => self],
  ["padEnd", (self) => self],
]);

const arrayMethods = new Map<string, Method>([
  [
    "join",
    (self, [separator]) => joinItems(self.items ?? [], separator === undefined ? "," : (separator.shape ?? ",")),
  ],
  ["reverse", (self) => reversed(self)],
  ["toReversed", (self) => reversed(self)],
  ["slice", (self, args) => sliceItems(self, args)],
  [
    "concat",
    (self, args) => arrayValue([...(self.items ?? []), ...args.flatMap((arg) => arg.items ?? [arg])], self.at),
  ],
  [
    "flat",
    (self) =>
      arrayValue(
        (self.items ?? []).flatMap((item) => item.items ?? [item]),
        self.at,
      ),
  ],
  ["at", (self, [index]) => (index?.number === undefined ? undefined : self.items?.at(index.number))],
]);

/** The result of a method of a known text or array; `undefined` when it does not fold. */
export function foldMethod(
  self: Value,
  name: string,
  args: readonly Value[],
  steps: (count: number) => boolean,
): Value | undefined {
  if (self.items !== undefined)
    return steps(self.items.length + 1) ? arrayMethods.get(name)?.(self, args, steps) : undefined;
  if (self.shape === undefined) return undefined;
  return steps(1 + (self.shape.length >> 4)) ? textMethods.get(name)?.(self, args, steps) : undefined;
}

function mapText(self: Value, change: (text: string) => string): Value {
  const results = alternatives(self).flatMap((one) =>
    one.shape === undefined
      ? []
      : [new Value({ shape: change(one.shape), tags: self.tags, made: one.made, at: self.at })],
  );
  return collect(results, self.tags, self.at);
}

function splitText(self: Value, separator: Value | undefined): Value | undefined {
  if (!self.isConstant || self.shape === undefined || self.also !== undefined) return undefined;
  if (separator !== undefined && (!separator.isConstant || separator.shape === undefined)) return undefined;
  const parts = separator?.shape === undefined ? [self.shape] : self.shape.split(separator.shape);
  if (parts.length > 4096) return undefined;
  return arrayValue(
    parts.map((part) => textValue(part, self.made, self.tags, self.at)),
    self.at,
  );
}

function sliceText(self: Value, args: readonly Value[], isLength: boolean): Value | undefined {
  const [start, end] = args;
  if (!self.isConstant || self.shape === undefined || start?.number === undefined) return undefined;
  if (end !== undefined && end.number === undefined) return undefined;
  const shape = isLength ? self.shape.substr(start.number, end?.number) : self.shape.slice(start.number, end?.number);
  return textValue(shape, self.made | made.slice, self.tags, self.at);
}

function sliceItems(self: Value, args: readonly Value[]): Value | undefined {
  const [start, end] = args;
  if (args.length > 0 && start?.number === undefined) return undefined;
  if (end !== undefined && end.number === undefined) return undefined;
  return arrayValue((self.items ?? []).slice(start?.number ?? 0, end?.number), self.at);
}

function characterAt(self: Value, [index]: readonly Value[]): Value | undefined {
  if (!self.isConstant || index?.number === undefined) return undefined;
  return textValue(self.shape?.at(index.number) ?? "", self.made | made.slice, self.tags, self.at);
}

function codeAt(self: Value, [index]: readonly Value[]): Value | undefined {
  if (!self.isConstant || self.also !== undefined) return undefined;
  const code = self.shape?.codePointAt(index?.number ?? 0);
  return code === undefined ? undefined : numberValue(code, self.tags, self.at);
}

function replaceText(self: Value, [pattern, replacement]: readonly Value[]): Value | undefined {
  if (!self.isConstant || self.shape === undefined || !pattern?.isConstant || pattern.shape === undefined)
    return undefined;
  if (pattern.shape === "" || replacement?.shape === undefined || !replacement.isConstant) return undefined;
  const shape = self.shape.split(pattern.shape).join(replacement.shape);
  return textValue(shape.slice(0, MAX_TEXT), self.made | made.replace, self.tags, self.at);
}

function repeatText(self: Value, count: number | undefined): Value | undefined {
  if (!self.isConstant || self.shape === undefined || count === undefined) return undefined;
  if (!(count >= 0) || count * self.shape.length > MAX_TEXT) return undefined;
  return textValue(self.shape.repeat(count), self.made, self.tags, self.at);
}

function reversed(self: Value): Value {
  const items = (self.items ?? []).toReversed().map((item) => madeBy(item, made.reverse));
  return arrayValue(items, self.at);
}

/** `String.fromCharCode(…)` of known numbers. */
export function fromCodes(args: readonly Value[], at: number): Value | undefined {
  const codes = args.flatMap((arg) => arg.items ?? [arg]);
  if (codes.length === 0 || codes.length > 4096) return undefined;
  let shape = "";
  let tags = tag.decoded;
  for (const code of codes) {
    if (code.number === undefined || code.also !== undefined || !(code.number >= 0 && code.number <= 0x10ffff))
      return undefined;
    tags |= code.tags;
    shape += String.fromCodePoint(Math.floor(code.number));
  }
  return textValue(shape, made.charCode, tags, at);
}

/** `atob(x)`, `Buffer.from(x, encoding)` of a known text or of known bytes. */
export function decodeText(source: Value, encoding: string, at: number): Value | undefined {
  if (source.items !== undefined) return fromCodes(source.items.slice(0, 4096), at);
  if (!source.isConstant || source.shape === undefined || source.shape.length > MAX_TEXT * 2) return undefined;
  if (encoding === "percent") {
    const text = percentDecode(source.shape);
    // Nobody needs to encode letters and digits.
    const tags = /%(?:3[0-9]|[46][1-9a-f]|[57][0-9a])/iu.test(source.shape) ? tag.decoded : 0;
    return text === source.shape ? source : textValue(text, source.made | made.percent, source.tags | tags, source.at);
  }
  const bytes = encoding === "hex" ? bytesOfHex(source.shape) : bytesOfBase64(source.shape);
  if (bytes === undefined) return undefined;
  const how = encoding === "hex" ? made.hex : made.base64;
  return textValue(textOfBytes(bytes), source.made | how, source.tags | tag.decoded, source.at >= 0 ? source.at : at);
}

const arithmetic = new Map<string, (a: number, b: number) => number>([
  ["-", (a, b) => a - b],
  ["*", (a, b) => a * b],
  ["/", (a, b) => a / b],
  ["%", (a, b) => a % b],
  ["^", (a, b) => a ^ b],
  ["|", (a, b) => a | b],
  ["&", (a, b) => a & b],
  ["<<", (a, b) => a << b],
  [">>", (a, b) => a >> b],
  [">>>", (a, b) => a >>> b],
  ["**", (a, b) => a ** b],
]);

/** A binary operator on what is known of both sides. */
export function binary(operator: string, left: Value, right: Value): Value {
  const tags = left.tags | right.tags;
  const at = left.at >= 0 ? left.at : right.at;
  if (operator === "+") {
    if (
      left.number !== undefined &&
      right.number !== undefined &&
      left.also === undefined &&
      right.also === undefined
    ) {
      return numberValue(left.number + right.number, tags, at);
    }
    return concat(left, right, true);
  }
  const compute = arithmetic.get(operator);
  if (
    compute !== undefined &&
    left.number !== undefined &&
    right.number !== undefined &&
    left.also === undefined &&
    right.also === undefined
  ) {
    return numberValue(compute(left.number, right.number), tags, at);
  }
  return tags === 0 ? NOTHING : new Value({ tags, at });
}
