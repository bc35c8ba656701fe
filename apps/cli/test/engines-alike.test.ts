import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";
import type { EngineDescriptor } from "@berth/sandbox";
import { decodeValue, encodeValue } from "@berth/wire";

/** Names every member of every global, and of the kinds of object that have no global. */
const PLUGIN = `var berthPlugin = { actions: { members() {
  const holders = { AsyncFunction: (async () => {}).constructor, GeneratorFunction: (function* () {}).constructor,
    AsyncGeneratorFunction: (async function* () {}).constructor, TypedArray: Reflect.getPrototypeOf(Uint8Array),
    "Array Iterator": [][Symbol.iterator]().__proto__, "Map Iterator": new Map().keys().__proto__, "String Iterator": ""[Symbol.iterator]().__proto__,
    "RegExp String Iterator": "".matchAll(/a/g).__proto__, "Iterator Helper": [].values().map(String).__proto__ };
  for (const name of Object.getOwnPropertyNames(globalThis)) holders[name] = globalThis[name];
  const found = [];
  for (const [name, holder] of Object.entries(holders)) {
    found.push(name);
    if ((typeof holder !== "object" && typeof holder !== "function") || holder === null || holder === globalThis) continue;
    for (const [at, each] of [[name, holder], [name + ".prototype", holder.prototype]])
      if (each !== undefined) for (const key of Reflect.ownKeys(each)) found.push(at + "." + String(key));
  }
  return found.sort();
} } };`;

/** How each engine keeps stacks: the standard says nothing of them. */
const OF_STACKS = new Set(["Error.prepareStackTrace", "Error.prototype.stack"]);

async function membersOf(engine: EngineDescriptor): Promise<string[]> {
  const supervisor = new Supervisor();
  try {
    const compartment = supervisor.open({
      packKey: "members",
      engine,
      level: engine.levels.includes("standard") ? "standard" : "strict",
      code: new TextEncoder().encode(PLUGIN),
      sourceName: "plugin.js",
      limits: { memoryMiB: 48, cpuMs: 10_000, wallMs: 60_000 },
      onRequest: () => Promise.resolve(null),
      onLog: () => undefined,
    });
    const members = decodeValue(
      await compartment.call({ action: "members", input: encodeValue(null), caller: undefined, about: "{}" }),
    );
    return (members as string[]).filter((member) => !OF_STACKS.has(member));
  } finally {
    supervisor.close();
  }
}

test("a plugin finds the same globals with the same members at every engine", async () => {
  const [ofIsolate, ofQuickJs] = await Promise.all([membersOf(isolate()), membersOf(quickjs())]);
  assert.ok(ofIsolate.length > 500);
  assert.deepEqual(ofQuickJs, ofIsolate);
});
