import assert from "node:assert/strict";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { isolate } from "@berth/engine-isolate";
import { ItemStream, Supervisor } from "@berth/sandbox";
import type { CodedError } from "@berth/base";
import type { EngineDescriptor, Progress } from "@berth/sandbox";

import { FRAME_ATTACKS } from "../../conformance/hostile/frames.ts";
import { openPlugin } from "../../conformance/open-plugin.ts";
import type { OpenPlugin } from "../../conformance/open-plugin.ts";
import { buildSandboxHost } from "./built-entry.ts";

const { entry } = await buildSandboxHost("packages/sandbox/test/fixtures/taken-over-host.ts");
const engine: EngineDescriptor = {
  name: "taken-over",
  runtimes: ["javascript"],
  levels: ["standard"],
  entry,
  files: [],
  nodeFlags: [],
};

const LIMITS = { memoryMiB: 32, cpuMs: 5_000, wallMs: 10_000 };

async function attack(
  code: string,
  run: (host: OpenPlugin) => Promise<void>,
  limits = LIMITS,
  onRequest = async (): Promise<unknown> => null,
): Promise<void> {
  const host = openPlugin(engine, code, { limits, onRequest });
  try {
    await run(host);
  } finally {
    host.supervisor.close();
  }
}

/** One for all attacks: what a taken-over process says must not reach the plugins in other processes. */
const shared = new Supervisor();
const neighbour = openPlugin(isolate(), "var berthPlugin = { actions: { echo: (value) => value } };", {
  supervisor: shared,
  packKey: "neighbour",
  limits: { memoryMiB: 32, cpuMs: 20_000, wallMs: 120_000 },
});
after(() => shared.close());

for (const [index, attacked] of FRAME_ATTACKS.entries()) {
  const { name, onCall, ends, answer, wallMs = LIMITS.wallMs, isHeard = false, isStream = false } = attacked;
  test(`taken over, hostile: ${name}`, async () => {
    const { call, compartment } = openPlugin(engine, `onCall(async (id) => { ${onCall} });`, {
      supervisor: shared,
      packKey: `attack ${index}`,
      limits: { ...LIMITS, wallMs },
    });
    assert.equal(await neighbour.call("echo", "before"), "before");
    const heard: Progress[] = [];
    const onProgress = (progress: Progress): unknown => heard.push(progress);
    const more = isHeard
      ? { onProgress }
      : isStream
        ? {
            items: new ItemStream(
              (item) => item,
              () => undefined,
            ),
          }
        : {};
    const attacking = call("x", null, undefined, more);
    const [ending, during] = await Promise.allSettled([attacking, neighbour.call("echo", "during")]);
    assert.ok(heard.length <= 400, `${heard.length} reports`);
    for (const { message = "" } of heard)
      // eslint-disable-next-line no-control-regex -- that there are none is what is asserted
      assert.doesNotMatch(message, /[\u0000-\u001f\u007f-\u009f\u202e]/);
    const how = ending.status === "fulfilled" ? "answers" : (ending.reason as CodedError).code;
    assert.ok((ends as readonly string[]).includes(how), `${how}, expected ${ends.join(" or ")}`);
    if (ending.status === "fulfilled") assert.deepEqual(ending.value, answer);
    assert.deepEqual(during, { status: "fulfilled", value: "during" });
    compartment[Symbol.dispose]();
    assert.equal(await neighbour.call("echo", "after"), "after");
    assert.equal(Reflect.get({}, "polluted"), undefined);
  });
}

test("taken over, hostile: requests whose answers it never reads", () =>
  attack(
    `socket.removeAllListeners("data"); socket.pause();
     setTimeout(async () => { for (let n = 1; ; n++) { say(0x25, n, '[1,1,"storage.get"]', "{}"); if (n % 32 === 0) await sleep(20); } }, 300);`,
    async ({ call }) => {
      await assert.rejects(call("x"), { code: "SANDBOX_PROTOCOL" });
    },
    LIMITS,
    async () => "x".repeat(4 * 1_048_576),
  ));

/** What a process that has no work is ended for. */
async function lossOf(code: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const supervisor = new Supervisor({ onLoss: ({ reason }) => resolve(reason) });
  const { call } = openPlugin(
    engine,
    `onCall((id) => { say(0x23, id, "", "1"); setTimeout(() => { ${code} }, 50); });`,
    {
      limits: LIMITS,
      supervisor,
    },
  );
  try {
    assert.equal(await call("x"), 1);
    return await Promise.race([promise, sleep(60_000, "still there", { ref: false })]);
  } finally {
    supervisor.close();
  }
}

test("taken over, hostile: memory that is kept while no call is under way", async () => {
  assert.equal(await lossOf("globalThis.kept = Buffer.alloc(400_000_000, 1);"), "memory");
});

test("taken over, hostile: work that goes on while no call is under way", async () => {
  assert.equal(await lossOf("for (;;);"), "cpu");
});

test("taken over, hostile: work while no call is under way, with words in between", async () => {
  assert.equal(await lossOf(`for (let n = 0; ; n++) if (n % 20000000 === 0) say(0x25, 1, '[1,1,"x"]', "{}");`), "cpu");
});

for (const [what, flood] of [
  ["lines", `frame(0x26, 0, [Buffer.from([0, 10]), Buffer.from('[1,"info"]'), Buffer.from([0, 0, 0, 0])])`],
  [
    "progress of its call",
    `frame(0x2a, 1, [Buffer.from([0, 0]), Buffer.from([0, 0, 0, 10]), Buffer.from('{"done":1}')])`,
  ],
  [
    "requests of ended calls",
    `frame(0x25, 7, [Buffer.from([0, 11]), Buffer.from('[1,0,"a.b"]'), Buffer.from([0, 0, 0, 2]), Buffer.from("{}")])`,
  ],
] as const) {
  test(`taken over, hostile: a flood of ${what} leaves the embedding program its turns`, () =>
    attack(
      `const many = Buffer.concat(Array.from({ length: 4000 }, () => ${flood}));
       onCall(async () => { for (;;) if (!socket.write(many)) await new Promise((drained) => socket.once("drain", drained)); });`,
      async ({ call }) => {
        const ended = call("x", null, undefined, { onProgress: () => undefined });
        ended.catch(() => undefined);
        await sleep(200);
        let turns = 0;
        const until = performance.now() + 1_000;
        while (performance.now() < until) {
          await sleep(1);
          turns += 1;
        }
        assert.ok(turns > 10, `${turns} turns in a second`);
      },
    ));
}
