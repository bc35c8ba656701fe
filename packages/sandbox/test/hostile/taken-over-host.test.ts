import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Supervisor } from "@berth/sandbox";
import type { EngineDescriptor } from "@berth/sandbox";

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

/** `say` is what the host does when it is called; the call must end with `code`, and the process with it. */
function endedFor(sentence: string, code: string, onCall: string, limits = LIMITS): void {
  test(`taken over, hostile: ${sentence}`, () =>
    attack(
      `onCall(async (id) => { ${onCall} });`,
      async ({ call }) => {
        await assert.rejects(call("x"), { code });
      },
      limits,
    ));
}

const TRAP = `{"toString":1,"valueOf":1}`;
endedFor("a log line whose compartment is no number", "SANDBOX_PROTOCOL", `say(0x26, 0, '[${TRAP},"info"]', '"x"');`);
endedFor(
  "a request whose compartment is no number",
  "SANDBOX_PROTOCOL",
  `say(0x25, 1, '[${TRAP},' + id + ',"storage.get"]', '{}');`,
);
endedFor("a head that is not JSON", "SANDBOX_PROTOCOL", `say(0x25, 1, '[[', '{}');`);
endedFor("a message of an unknown type", "SANDBOX_PROTOCOL", `say(0x30, 1, '');`);
endedFor("a second announcement that it is ready", "SANDBOX_PROTOCOL", `say(0x20, 0, '');`);
endedFor(
  "a failure whose words are not UTF-8",
  "SANDBOX_PROTOCOL",
  `socket.write(frame(0x24, id, [new Uint8Array([0, 0, 0, 0, 0, 1, 255])]));`,
);
endedFor(
  "a failure of many words, which would hold up the program that reads them",
  "SANDBOX_PROTOCOL",
  `say(0x24, id, '', JSON.stringify({ name: 'x'.repeat(2000000) }));`,
);
endedFor(
  "a line of the log of many words",
  "SANDBOX_PROTOCOL",
  `say(0x26, 0, '[1,"info"]', JSON.stringify('x'.repeat(2000000)));`,
);
endedFor(
  "a request larger than one may be",
  "SANDBOX_PROTOCOL",
  `say(0x25, 1, '[1,' + id + ',"storage.put"]', JSON.stringify('x'.repeat(2000000)));`,
);
endedFor("answers to calls that never were", "SANDBOX_PROTOCOL", `say(0x23, 4000000, '', '1');`);
endedFor(
  "more requests under way than the sandbox host of a plugin sends",
  "SANDBOX_PROTOCOL",
  `for (let i = 1; i < 2000; i++) say(0x25, i, '[1,' + id + ',"storage.get"]', '{}');`,
);

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
    "requests of ended calls",
    `frame(0x25, 7, [Buffer.from([0, 11]), Buffer.from('[1,0,"a.b"]'), Buffer.from([0, 0, 0, 2]), Buffer.from("{}")])`,
  ],
] as const) {
  test(`taken over, hostile: a flood of ${what} leaves the embedding program its turns`, () =>
    attack(
      `const many = Buffer.concat(Array.from({ length: 4000 }, () => ${flood}));
       onCall(async () => { for (;;) if (!socket.write(many)) await new Promise((drained) => socket.once("drain", drained)); });`,
      async ({ call }) => {
        const ended = call("x");
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
