import type { WireErrorCode } from "@berth/wire";

import type { Ending } from "./attack.ts";

/**
 * What a sandbox host says that was taken over. `onCall` is source with `id`, the call's; `say`, `frame`, `socket` and
 * `sleep` are those of `taken-over-host.ts`.
 */
export interface FrameAttack {
  readonly name: string;
  readonly onCall: string;
  /** How the call ends. After SANDBOX_PROTOCOL the process has been ended. */
  readonly ends: readonly (Ending | WireErrorCode)[];
  /** What the call answers with, where it answers. */
  readonly answer?: unknown;
  readonly wallMs?: number;
  /** The caller listens to how far the call has come. */
  readonly isHeard?: boolean;
  /** The call asks for items, and takes none. */
  readonly isStream?: boolean;
}

const TRAP = `{"toString":1,"valueOf":1}`;
/** The head and the value of a message of type and id, from bytes as they are. */
const RAW = (type: string, id: string, ...bytes: number[]): string =>
  `socket.write(frame(${type}, ${id}, [new Uint8Array([${bytes.join()}])]));`;

/** Ended at once: no sandbox host of ours says so. */
const ENDED: Readonly<Record<string, string>> = {
  "a log line whose compartment is no number": `say(0x26, 0, '[${TRAP},"info"]', '"x"');`,
  "a log line of a level that there is not": `say(0x26, 0, '[1,"fatal"]', '"x"');`,
  "a log line without text": `say(0x26, 0, '[1,"info"]');`,
  "a request whose compartment is no number": `say(0x25, 1, '[${TRAP},' + id + ',"storage.get"]', '{}');`,
  "a request whose method is no text": `say(0x25, 1, '[1,' + id + ',["storage.get"]]', '{}');`,
  "a request without a value": `say(0x25, 1, '[1,' + id + ',"storage.get"]');`,
  "a head that is not JSON": `say(0x25, 1, '[[', '{}');`,
  "a head that is an object": `say(0x25, 1, '{"length":3}', '{}');`,
  "a message of an unknown type": `say(0x30, 1, '');`,
  "a message that only the embedding side sends": `say(0x03, id, '[1,"x","{}"]', 'null');`,
  "a second announcement that it is ready": `say(0x20, 0, '');`,
  "a result without a value": `say(0x23, id, '');`,
  "a failure without words": `say(0x24, id, '');`,
  "a failure whose words are not UTF-8": RAW("0x24", "id", 0, 0, 0, 0, 0, 1, 255),
  "a failure with bytes beside its words": RAW("0x24", "id", 0, 0, 0, 0, 0, 2, 123, 125, 0, 0, 0, 1, 7),
  "a failure of many words, which would hold up the program that reads them": `say(0x24, id, '', JSON.stringify({ name: 'x'.repeat(2000000) }));`,
  "a line of the log of many words": `say(0x26, 0, '[1,"info"]', JSON.stringify('x'.repeat(2000000)));`,
  "a request larger than one may be": `say(0x25, 1, '[1,' + id + ',"storage.put"]', JSON.stringify('x'.repeat(2000000)));`,
  "progress of a call that nobody asked it of": `say(0x2a, id, '', '{"done":1}'); say(0x23, id, '', '1');`,
  "progress of a call that never was": `say(0x2a, 4000000, '', '{"done":1}');`,
  "an item of a call that does not stream": `say(0x2b, id, '', '1'); say(0x23, id, '', '1');`,
  "word that a call has begun which never was": `say(0x2c, 4000000, '');`,
  "an item of a call that never was": `say(0x2b, 4000000, '', '1');`,
  "word that it let go of a plugin that nobody asked it to": `say(0x29, 1, ''); say(0x23, id, '', '1');`,
  "answers to calls that never were": `say(0x23, 4000000, '', '1');`,
  "a failure of a call that never was": `say(0x24, 4000000, '', '{}');`,
  "more requests under way than the sandbox host of a plugin sends": `for (let i = 1; i < 2000; i++) say(0x25, i, '[1,' + id + ',"storage.get"]', '{}');`,
  "a frame that announces four gigabytes": `socket.write(new Uint8Array([255, 255, 255, 255, 0x23, 0, 0, 0, 1]));`,
  "a frame a byte larger than one may be": `socket.write(new Uint8Array([0, 0x11, 0, 1, 0x23, 0, 0, 0, 1]));`,
  "a message without a head": RAW("0x23", "id"),
  "half a head": RAW("0x23", "id", 9),
  "a head that is longer than its message": RAW("0x23", "id", 255, 255, 1),
  "a head that is not UTF-8": RAW("0x25", "1", 0, 2, 0xc3, 0x28),
  "sections that do not add up": RAW("0x23", "id", 0, 0, 0, 0, 0, 9, 49),
  "a section whose length is cut off": RAW("0x23", "id", 0, 0, 0, 0, 0, 1, 49, 0, 0),
  "more sections than a value may have": `const none = new Uint8Array(4); socket.write(frame(0x23, id, [new Uint8Array([0, 0, 0, 0, 0, 1, 49]), ...Array.from({ length: 3000 }, () => none)]));`,
  "a credit with a payload": RAW("0xf1", "0", 1),
  "an empty chunk": RAW("0xf0", "id"),
  "a chunk larger than one may be": `socket.write(frame(0xf0, id, [new Uint8Array(300000)]));`,
  "chunks after a short one": `for (let i = 0; i < 2; i++) socket.write(frame(0xf0, id, [new Uint8Array(10)]));`,
  "chunks of two values at a time": `for (const each of [id, id + 1]) socket.write(frame(0xf0, each, [new Uint8Array(262144)]));`,
  "chunks without end": `for (let i = 0; i < 600; i++) socket.write(frame(0xf0, id, [new Uint8Array(262144)]));`,
  "a message whose chunks never came": RAW("0xa3", "id", 0, 0),
  "a message whose chunks were another's": `socket.write(frame(0xf0, id + 1, [new Uint8Array(10)])); ${RAW("0xa3", "id", 0, 0)}`,
  rubbish: `socket.write(new Uint8Array(100000).fill(0x5a));`,
};

/** The same, where the caller listens to how far its call has come. */
const ENDED_HEARD: Readonly<Record<string, string>> = {
  "progress without a value": `say(0x2a, id, '');`,
  "progress that is not JSON": `say(0x2a, id, '', '{');`,
  "progress that is no object": `say(0x2a, id, '', '[1]');`,
  "progress of what there is not": `say(0x2a, id, '', '{"done":1,"caller":"root"}');`,
  "progress that is no number": `say(0x2a, id, '', '{"done":${TRAP}}');`,
  "progress that is not finite": `say(0x2a, id, '', '{"total":1e999}');`,
  "progress of many words": `say(0x2a, id, '', JSON.stringify({ message: 'x'.repeat(1500) }));`,
  "progress of a megabyte": `say(0x2a, id, '', JSON.stringify({ message: 'x'.repeat(1000000) }));`,
  "progress with bytes beside it": RAW("0x2a", "id", 0, 0, 0, 0, 0, 2, 123, 125, 0, 0, 0, 1, 7),
};

const ended = Object.entries(ENDED).map(([name, onCall]): FrameAttack => ({
  name,
  onCall,
  ends: ["SANDBOX_PROTOCOL"],
}));

/** Believed as far as it harms only the plugin whose process it is. */
const BORNE: readonly FrameAttack[] = [
  {
    name: "items, the end of the stream, and then another item",
    onCall: `for (let i = 0; i < 16; i++) say(0x2b, id, '', String(i)); say(0x23, id, '', 'null'); say(0x2b, id, '', '1');`,
    ends: ["answers"],
    answer: null,
    isStream: true,
  },
  {
    name: "a stream that says nothing",
    onCall: "",
    ends: ["SANDBOX_DEADLINE"],
    wallMs: 800,
    isStream: true,
  },
  {
    name: "progress whose words drive a terminal, a thousand times",
    onCall: `for (let i = 0; i < 1000; i++) say(0x2a, id, '', JSON.stringify({ done: i, message: '\\u001b[2J\\u202e' })); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
    isHeard: true,
  },
  { name: "an answer that is not JSON", onCall: `say(0x23, id, '', '{"a":');`, ends: ["WIRE_VALUE_NOT_JSON"] },
  {
    name: "an answer that is not UTF-8",
    onCall: RAW("0x23", "id", 0, 0, 0, 0, 0, 1, 255),
    ends: ["WIRE_VALUE_NOT_JSON"],
  },
  {
    name: "an answer that is nested ten thousand times",
    onCall: `say(0x23, id, '', '['.repeat(10000) + ']'.repeat(10000));`,
    ends: ["WIRE_VALUE_NOT_JSON"],
  },
  {
    name: "an answer that refers to bytes which did not come",
    onCall: `say(0x23, id, '', '{"$bytes":3}');`,
    ends: ["WIRE_VALUE_NOT_JSON"],
  },
  {
    name: "an answer with members named like parts of prototypes",
    onCall: `say(0x23, id, '', '{"__proto__":{"polluted":1},"$$bytes":1}');`,
    ends: ["answers"],
    answer: JSON.parse('{"__proto__":{"polluted":1},"$bytes":1}') as unknown,
  },
  {
    name: "a failure whose words are no object",
    onCall: `say(0x24, id, '', '[[["x"]]]');`,
    ends: ["SANDBOX_PLUGIN_THREW"],
  },
  {
    name: "a failure that claims a code of the sandbox",
    onCall: `say(0x24, id, '', '{"name":"SandboxError","code":"SANDBOX_CPU","message":"x"}');`,
    ends: ["SANDBOX_PLUGIN_THREW"],
  },
  { name: "the answer twice", onCall: `say(0x23, id, '', '1'); say(0x23, id, '', '2');`, ends: ["answers"], answer: 1 },
  {
    name: "an answer, and then a failure",
    onCall: `say(0x23, id, '', '1'); say(0x24, id, '', '{}');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "an answer in ten thousand writes",
    onCall: `const bytes = frame(0x23, id, [new Uint8Array([0, 0, 0, 0, 3, 234, 34, ...new Array(1000).fill(120), 34])]); for (const byte of bytes) socket.write(new Uint8Array([byte]));`,
    ends: ["answers"],
    answer: "x".repeat(1_000),
  },
  {
    name: "a loss of somebody else's plugin",
    onCall: `say(0x27, 77, 'cpu'); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "word that it entered a plugin that is not there",
    onCall: `say(0x28, 4000000, ''); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "word that it entered somebody else's plugin, and then no end of it",
    onCall: `say(0x28, 4000000, ''); for (;;);`,
    ends: ["SANDBOX_CPU", "SANDBOX_DEADLINE"],
    wallMs: 800,
  },
  {
    name: "word that a call has begun, a thousand times",
    onCall: `for (let i = 0; i < 1000; i++) say(0x2c, id, ''); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "a plugin loaded that nobody wanted",
    onCall: `say(0x21, 77, '["x"]'); say(0x21, 1, '[]'); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "a request in the name of a plugin that is not there",
    onCall: `say(0x25, 1, '[77,' + id + ',"storage.get"]', '{}'); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  {
    name: "a request in the name of a call that is not there",
    onCall: `say(0x25, 1, '[1,77,"storage.get"]', '{}'); say(0x23, id, '', '1');`,
    ends: ["answers"],
    answer: 1,
  },
  { name: "a loss for a reason that there is not", onCall: `say(0x27, 1, '__proto__');`, ends: ["SANDBOX_CRASHED"] },
  {
    name: "half a frame, and then nothing",
    onCall: `socket.write(new Uint8Array([0, 0, 0, 9, 0x23]));`,
    ends: ["SANDBOX_DEADLINE"],
    wallMs: 800,
  },
  {
    name: "a frame announced, whose payload never comes",
    onCall: `socket.write(new Uint8Array([0, 0x10, 0, 0, 0x23, 0, 0, 0, 1]));`,
    ends: ["SANDBOX_DEADLINE"],
    wallMs: 800,
  },
  { name: "silence", onCall: "", ends: ["SANDBOX_DEADLINE"], wallMs: 800 },
  { name: "an end without a word", onCall: `process.exit(0);`, ends: ["SANDBOX_CRASHED"] },
  {
    name: "an end of the pipe alone",
    onCall: `socket.destroy(); setInterval(() => {}, 1000);`,
    ends: ["SANDBOX_CRASHED", "SANDBOX_DEADLINE"],
    wallMs: 800,
  },
  {
    name: "a flood of words on standard error",
    onCall: `for (let i = 0; i < 2000; i++) process.stderr.write('\\u001b[2J'.repeat(1000)); say(0x23, id, '', '1');`,
    ends: ["answers", "SANDBOX_CRASHED", "SANDBOX_DEADLINE"],
    answer: 1,
    wallMs: 5_000,
  },
];

/** The same, where the call asks for items. */
const ENDED_STREAM: Readonly<Record<string, string>> = {
  "more items than were asked for": `for (let i = 0; i < 17; i++) say(0x2b, id, '', '1');`,
  "items of more bytes than were asked for": `for (let i = 0; i < 3; i++) say(0x2b, id, '', JSON.stringify('x'.repeat(600000)));`,
  "an item of two megabytes": `say(0x2b, id, '', JSON.stringify('x'.repeat(2000000)));`,
  "an item without a value": `say(0x2b, id, '');`,
  "progress of a stream that nobody asked it of": `say(0x2a, id, '', '{"done":1}');`,
};

const endedStream = Object.entries(ENDED_STREAM).map(([name, onCall]): FrameAttack => ({
  name,
  onCall,
  ends: ["SANDBOX_PROTOCOL"],
  isStream: true,
}));

const endedHeard = Object.entries(ENDED_HEARD).map(([name, onCall]): FrameAttack => ({
  name,
  onCall,
  ends: ["SANDBOX_PROTOCOL"],
  isHeard: true,
}));

export const FRAME_ATTACKS: readonly FrameAttack[] = [...ended, ...endedHeard, ...endedStream, ...BORNE];
