import assert from "node:assert/strict";
import test from "node:test";
import { queryObjects } from "node:v8";

import fc from "fast-check";

import {
  MAX_FRAME_BYTES,
  MAX_VALUE_DEPTH,
  Session,
  WireError,
  decodeValue,
  encodeValue,
  formatFrame,
} from "@berth/wire";
import type { Message } from "@berth/wire";

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$bytes", "$$bytes", "__proto__", "constructor")),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

/** What arrives: −0 as 0, and objects with the ordinary prototype. */
const plain = (input: unknown): unknown => {
  if (typeof input === "number") return input === 0 ? 0 : input;
  if (typeof input !== "object" || input === null || input instanceof Uint8Array) return input;
  if (Array.isArray(input)) return input.map(plain);
  return Object.fromEntries(Object.entries(input).map(([key, member]) => [key, plain(member)]));
};

test("every value arrives as it was sent, bytes and escaped names included", () => {
  fc.assert(
    fc.property(value, (input) => assert.deepEqual(decodeValue(encodeValue(input)), plain(input))),
    { numRuns: 500 },
  );
});

for (const [what, input] of [
  ["NaN", { a: [Number.NaN] }],
  ["infinity", Number.POSITIVE_INFINITY],
  ["a bigint", 1n],
  ["a function", { f: () => 1 }],
  ["a symbol", Symbol("x")],
  ["undefined in a list", [undefined]],
  ["a date", new Date()],
  ["a map", new Map()],
  ["what a hidden toJSON turns into nothing", Object.defineProperty({}, "toJSON", { value: () => undefined })],
] as const) {
  test(`refuses ${what} at the sender`, () => {
    assert.throws(() => encodeValue(input), { code: "WIRE_VALUE_NOT_JSON" });
  });
}

test("refuses cycles and deep nesting", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  assert.throws(() => encodeValue(cycle), { code: "WIRE_VALUE_NOT_JSON" });
  let deep: unknown = 1;
  for (let level = 0; level <= MAX_VALUE_DEPTH; level += 1) deep = [deep];
  assert.throws(() => encodeValue(deep), { code: "WIRE_VALUE_NOT_JSON" });
});

test("drops undefined members and turns −0 into 0", () => {
  assert.deepEqual(decodeValue(encodeValue({ a: undefined, b: -0 })), { b: 0 });
});

test("refuses a text that refers to bytes which did not come", () => {
  assert.throws(() => decodeValue({ json: new TextEncoder().encode('{"$bytes":3}'), bytes: [] }), {
    code: "WIRE_VALUE_NOT_JSON",
  });
});

/** Two ends, joined by a pipe that cuts the bytes as told. */
function join(cut: (bytes: Uint8Array) => Uint8Array[] = (bytes) => [bytes]): { send: Session; heard: Message[] } {
  const heard: Message[] = [];
  const queue: (() => void)[] = [];
  let isBusy = false;
  const deliver = (to: () => Session) => (bytes: Uint8Array) => {
    for (const part of cut(bytes.slice())) queue.push(() => to().receive(part));
    if (isBusy) return;
    isBusy = true;
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) job();
    isBusy = false;
  };
  const receiver: Session = new Session(
    deliver(() => sender),
    (message) => heard.push(message),
  );
  const sender: Session = new Session(
    deliver(() => receiver),
    () => assert.fail("the sender hears nothing"),
  );
  return { send: sender, heard };
}

test("messages survive any cutting of the stream", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 40 }), (values, size) => {
      const { send, heard } = join((bytes) =>
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size)),
      );
      for (const [id, each] of values.entries())
        send.send({ type: 3, id, head: `head ${id} é`, value: encodeValue(each) });
      assert.deepEqual(
        heard.map(({ id, head, value: arrived }) => [id, head, arrived && decodeValue(arrived)]),
        values.map((each, id) => [id, `head ${id} é`, plain(each)]),
      );
    }),
  );
});

test("a value of 5 MB crosses in chunks under credit, and small messages pass it", () => {
  const { send, heard } = join();
  const large = { text: "x".repeat(5_000_000), more: new Uint8Array(3_000_000).fill(7) };
  send.send({ type: 3, id: 1, head: "large", value: encodeValue(large) });
  send.send({ type: 3, id: 2, head: "small" });
  assert.deepEqual(heard.map(({ head }) => head).toSorted(), ["large", "small"]);
  const arrived = heard.find(({ id }) => id === 1)?.value;
  assert.deepEqual(arrived && decodeValue(arrived), large);
});

const hostile: readonly (readonly [string, Uint8Array])[] = [
  ["a frame larger than any", new Uint8Array([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0])],
  [
    "a frame one byte too large",
    (() => {
      const bytes = new Uint8Array(9);
      new DataView(bytes.buffer).setUint32(0, MAX_FRAME_BYTES + 1);
      return bytes;
    })(),
  ],
  ["a message without a head", formatFrame(3, 1, [new Uint8Array(1)])],
  ["a head longer than its message", formatFrame(3, 1, [new Uint8Array([0, 9, 1])])],
  ["a head that is not UTF-8", formatFrame(3, 1, [new Uint8Array([0, 1, 0xff])])],
  ["sections that do not add up", formatFrame(3, 1, [new Uint8Array([0, 0, 0, 0, 0, 9, 1])])],
  ["chunks announced but not sent", formatFrame(0x83, 1, [new Uint8Array([0, 0])])],
  ["an empty chunk", formatFrame(0xf0, 1, [])],
  ["a credit with a payload", formatFrame(0xf1, 0, [new Uint8Array(1)])],
];
for (const [what, bytes] of hostile) {
  test(`refuses ${what}`, () => {
    const session = new Session(
      () => undefined,
      () => undefined,
    );
    assert.throws(() => session.receive(bytes), { code: "WIRE_FRAME_INVALID" });
  });
}

const CHUNK_BYTES = 262_144;

/** Receives chunks of the given ids and sizes. */
function receiveChunks(chunks: Iterable<readonly [id: number, size: number]>): void {
  const session = new Session(
    () => undefined,
    () => undefined,
  );
  const zeros = new Uint8Array(CHUNK_BYTES);
  for (const [id, size] of chunks) session.receive(formatFrame(0xf0, id, [zeros.subarray(0, size)]));
}

test("refuses more chunks than a value may have", () => {
  const chunks = Array.from({ length: 257 }, () => [1, CHUNK_BYTES] as const);
  receiveChunks(chunks.slice(1));
  assert.throws(() => receiveChunks(chunks), { code: "WIRE_FRAME_INVALID" });
});

test("refuses a value in crumbs, each of which costs many times its size", () => {
  assert.throws(
    () =>
      receiveChunks([
        [1, 1],
        [1, 1],
      ]),
    { code: "WIRE_FRAME_INVALID" },
  );
});

test("refuses a value that begins before the last one has ended", () => {
  assert.throws(
    () =>
      receiveChunks([
        [1, CHUNK_BYTES],
        [2, CHUNK_BYTES],
      ]),
    { code: "WIRE_FRAME_INVALID" },
  );
});

test("refuses a value of a hundred thousand empty sections", () => {
  const body = new Uint8Array(2 + 4 * 100_000);
  const session = new Session(
    () => undefined,
    () => undefined,
  );
  assert.throws(() => session.receive(formatFrame(3, 1, [body])), { code: "WIRE_FRAME_INVALID" });
});

test("a frame that comes byte by byte keeps no more memory than its size", () => {
  const heard: Message[] = [];
  const session = new Session(
    () => undefined,
    (message) => heard.push(message),
  );
  const frame = formatFrame(3, 1, [new Uint8Array(2), new Uint8Array([0, 15, 255, 252]), new Uint8Array(1_048_572)]);
  const countArrays = (): number => queryObjects(Uint8Array, { format: "count" });
  const before = countArrays();
  // Node gives every read memory of its own.
  for (let at = 0; at < 100_000; at += 1) session.receive(new Uint8Array([frame[at] as number]));
  assert.ok(countArrays() - before < 1_000);
  session.receive(frame.subarray(100_000));
  assert.equal(heard[0]?.value?.json.length, 1_048_572);
});

test("a value does not share its memory with what arrived beside it", () => {
  const sent: Uint8Array[] = [];
  const sender = new Session(
    (bytes) => sent.push(bytes),
    () => undefined,
  );
  sender.send({ type: 3, id: 1, head: "", value: encodeValue({ bytes: new Uint8Array([1, 2, 3]) }) });
  sender.send({ type: 3, id: 2, head: "", value: encodeValue("of another tenant") });
  const heard: Message[] = [];
  const receiver = new Session(
    () => undefined,
    (message) => heard.push(message),
  );
  receiver.receive(Buffer.concat(sent));
  const [bytes] = heard[0]?.value?.bytes ?? [];
  assert.deepEqual(bytes, new Uint8Array([1, 2, 3]));
  assert.ok(!Buffer.from(bytes?.buffer ?? new ArrayBuffer(0)).includes("tenant"));
});

test("refuses deep nesting at the receiver too", () => {
  const nested = (depth: number): Uint8Array => new TextEncoder().encode("[".repeat(depth) + "]".repeat(depth));
  decodeValue({ json: nested(MAX_VALUE_DEPTH), bytes: [] });
  assert.throws(() => decodeValue({ json: nested(MAX_VALUE_DEPTH + 1), bytes: [] }), { code: "WIRE_VALUE_NOT_JSON" });
  assert.throws(() => decodeValue({ json: nested(100_000), bytes: [] }), { code: "WIRE_VALUE_NOT_JSON" });
});

test("random bytes never do anything but refuse", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (parts) => {
      const session = new Session(
        () => undefined,
        () => undefined,
      );
      try {
        for (const part of parts) session.receive(part);
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
    { numRuns: 2_000 },
  );
});
