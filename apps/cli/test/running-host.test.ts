// What an operator decides while `berth host start` runs: the commands reach that host, and calls under way hear of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

import { berthFile, berthIn } from "./berth.ts";

const children: ChildProcess[] = [];
const { folder, run, ok, refused } = berthIn("berth-running-");
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

const CODE = `
async function see(name, ctx) {
  try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; }
}
export default { actions: {
  async see({ name }, ctx) { return { text: await see(name, ctx), unit: (await ctx.config.get()).unit }; },
  async remember({ name }, ctx) { await ctx.storage.put(name, name); return { text: name, unit: "" }; },
  yearly: () => null,
  async *watch({ name }, ctx) {
    for (;;) {
      yield await see(name, ctx);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
} };`;

function spawnBerth(...args: readonly string[]): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(berthFile, args, {
    cwd: folder,
    env: { ...process.env, BERTH_DATA_DIR: join(folder, "state") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return { child, lines: reader[Symbol.asyncIterator]() };
}

function writePlugin(): void {
  const text = { type: "string" };
  const name = { type: "object", properties: { name: text }, required: ["name"], additionalProperties: false };
  const told = { type: "object", properties: { text, unit: text }, required: ["text", "unit"] };
  mkdirSync(join(folder, "words/src"), { recursive: true });
  writeFileSync(join(folder, "words/src/plugin.js"), CODE);
  writeFileSync(
    join(folder, "words/manifest.json"),
    JSON.stringify({
      id: "acme.words",
      version: "1.0.0",
      displayName: "Words",
      description: "Reveals secrets.",
      license: "Apache-2.0",
      categories: ["utilities"],
      capabilities: ["data_processing"],
      api: "^1.0.0",
      runtime: { kind: "javascript", entry: "src/plugin.js" },
      permissions: [
        { name: "secrets_access", names: ["one", "two"], reveal: true, optional: true, reason: "to see" },
        { name: "network_restricted", hosts: ["a.example"], optional: true, reason: "to ask" },
      ],
      secrets: ["one", "two"],
      config: { type: "object", properties: { unit: { ...text, default: "km" } }, additionalProperties: false },
      contributes: {
        actions: {
          see: { input: name, output: told },
          remember: { input: name, output: told },
          yearly: { input: true, output: true },
          watch: { input: name, output: text, streams: true },
        },
        schedules: { yearly: { cron: "0 0 1 1 *", action: "yearly" } },
      },
    }),
  );
}

test("an operator sees what runs, what waits and what was lost, and which rights of the policy are used", async () => {
  writePlugin();
  const state = ["--data-dir", "watched"];
  const said = (...args: readonly string[]): string => {
    const { status, stdout } = run([...args, ...state]);
    assert.equal(status, 0, stdout);
    return stdout;
  };
  ok(["pack", "words", "--out", "watched.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase", ...state]) as Document;
  ok(["sign", "watched.berth", ...state]);
  writeFileSync(
    join(folder, "watched/policy.json"),
    '{"grants": [{"name": "secrets_access", "names": ["one", "two"], "reveal": true}]}',
  );
  const { child: host, lines: hostLines } = spawnBerth("host", "start", "--json", ...state);
  await hostLines.next();
  ok(["install", "./watched.berth", "--yes", "--trust", keyId, ...state]);
  ok(["secrets", "set", "acme.words", "one", ...state], "first value");
  // Nobody can take back from a plugin what the policy grants it, and whoever tries is told so.
  const revoke = ["permissions", "revoke", "acme.words", "secrets_access"];
  assert.match(said(...revoke), /^no person.*\nthe policy grants acme\.words secrets_access, too/);
  assert.equal((ok([...revoke, ...state]) as Document).isGrantedByPolicy, true);
  const list = (): string => said("permissions", "list", "acme.words");
  assert.match(list(), /^secrets_access: .*\n {4}never used, granted by the policy\n$/);
  assert.match(said("stats", "--running"), /^nothing runs now/);

  // A stream that goes on: it runs, and is in no queue.
  writeFileSync(join(folder, "one.json"), '{"name":"one"}');
  const { child: watching, lines } = spawnBerth("run", "acme.words", "watch", "--input", "one.json", ...state);
  assert.equal((await lines.next()).value, '"first value"');
  assert.match(list(), /\n {4}last used 2\S+Z, granted by the policy\n$/);
  const shown = said("stats", "--running");
  assert.match(shown, /^acme\.words {2}1 call under way, 0 waiting, 1 process, .*, 0 losses since/);
  assert.match(shown, /\n {2}process \d+ {2}isolate at standard, .*, 1 call: acme\.words\n$/);
  const { isHostRunning, plugins, processes } = ok(["stats", "acme.words", "--running", ...state]) as Document;
  assert.deepEqual([isHostRunning, plugins[0].callsUnderWay, processes[0].plugins], [true, 1, ["acme.words"]]);
  refused(["stats", "acme.nobody", "--running", ...state], "HOST_PLUGIN_UNKNOWN", 3);
  refused(["stats", "--running", "--from", "2026-01-01", ...state], "CLI_USAGE", 2);

  // Its process is lost: that is counted, and stays counted when the host is another one.
  if (process.platform === "linux") {
    process.kill(processes[0].pid, "SIGKILL");
    await once(watching, "exit");
    assert.match(said("stats"), /^acme\.words {2}\d+ calls?, .*, 1 loss \(1 crashed\), 0 denials, /);
    assert.equal((ok(["stats", "--from", "2020-01-01", ...state]) as Document).plugins[0].losses, 1);
    assert.equal((ok(["stats", "--to", "2020-01-01", ...state]) as Document).plugins[0].losses, 0);
  } else watching.kill("SIGINT");
  host.kill("SIGTERM");
  await once(host, "exit");
  assert.match(said("stats", "--running"), /^no host runs here/);
  assert.deepEqual(ok(["stats", "--running", ...state]), {
    ok: true,
    isHostRunning: false,
    plugins: [],
    processes: [],
  });
  if (process.platform === "linux") assert.match(said("stats"), /, 1 loss \(1 crashed\), /);
  assert.match(list(), /last used 2\S+Z, granted by the policy/);
});

test("an operator decides while the host runs, also for calls under way", async () => {
  writePlugin();
  ok(["pack", "words", "--out", "words.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as Document;
  ok(["sign", "words.berth"]);
  const { child: host, lines: hostLines } = spawnBerth("host", "start", "--json");
  await hostLines.next();
  ok(["install", "./words.berth", "--yes", "--trust", keyId]);
  const see = (name: string): Document =>
    (ok(["run", "acme.words", "see", "--input", "-"], JSON.stringify({ name })) as Document).output;

  // Secrets: filled in, listed by name alone, erased.
  ok(["secrets", "set", "acme.words", "one"], "first value\n");
  ok(["secrets", "set", "acme.words", "two"], "second value\n");
  const listed = ok(["secrets", "list", "acme.words"]) as Document;
  assert.deepEqual(
    listed.secrets.map(({ name, version }: Document) => [name, version]),
    [
      ["one", 1],
      ["two", 1],
    ],
  );
  assert.equal(JSON.stringify(listed).includes("value"), false);
  refused(["secrets", "set", "acme.words", "three"], "HOST_SECRET_INVALID", 3, "x");

  // Requests: kept, dismissed for good, granted all the same.
  assert.equal(see("one").text, "BROKER_DENIED");
  const requests = (): Document => (ok(["permissions", "requests"]) as Document).requests;
  assert.deepEqual(
    requests().map(({ permission }: Document) => permission.name),
    ["secrets_access"],
  );
  assert.equal((ok(["permissions", "dismiss", "acme.words", "secrets_access"]) as Document).dismissed, true);
  assert.deepEqual(requests(), []);
  assert.equal((ok(["permissions", "dismiss", "acme.words", "secrets_access"]) as Document).dismissed, false);
  assert.equal(see("one").text, "BROKER_DENIED");
  assert.deepEqual(requests(), [], "a no lasts");
  ok(["permissions", "grant", "acme.words", "secrets_access", "--until", "2999-01-01T00:00:00Z"]);
  assert.deepEqual(requests(), []);
  assert.equal(see("one").text, "first value");
  const [grant] = (ok(["permissions", "list", "acme.words"]) as Document).grants;
  assert.equal(grant.expiresAt, "2999-01-01T00:00:00.000Z");
  assert.deepEqual((ok(["permissions", "suggest", "acme.words"]) as Document).permissions[0].names, ["one"]);
  const written = (ok(["permissions", "suggest", "acme.words", "--write", "words"]) as Document).manifest;
  assert.deepEqual([written.narrowed[0].to.names, written.removed[0].name], [["one"], "network_restricted"]);
  assert.equal(JSON.parse(readFileSync(join(folder, "words/manifest.json"), "utf8")).permissions.length, 1);
  refused(["permissions", "grant", "acme.nobody", "secrets_access"], "HOST_PLUGIN_UNKNOWN", 3);

  // A call that is under way loses the right at its next request.
  writeFileSync(join(folder, "one.json"), '{"name":"one"}');
  const { child: run, lines } = spawnBerth("run", "acme.words", "watch", "--input", "one.json");
  assert.equal((await lines.next()).value, '"first value"');
  const revoked = ok(["permissions", "revoke", "acme.words", "secrets_access"]) as Document;
  assert.equal(revoked.revoked.length, 1);
  let line = "";
  while (line !== '"BROKER_DENIED"') {
    const { value, done } = await lines.next();
    assert.notEqual(done, true, "the stream ended before the right did");
    assert.ok(value === '"first value"' || value === '"BROKER_DENIED"', value);
    line = value;
  }
  run.kill("SIGINT");
  await once(run, "exit");
  assert.equal(see("one").text, "BROKER_DENIED");

  // The key of the secrets, exchanged under the running host.
  ok(["permissions", "grant", "acme.words", "secrets_access"]);
  const wrapping = (): string => readFileSync(join(folder, "state/vault.age"), "latin1");
  const before = wrapping();
  assert.deepEqual(ok(["secrets", "rotate"]), { ok: true, resealed: 2, hasNewOperatorKey: false, isOldGone: true });
  assert.notEqual(wrapping(), before);
  assert.equal(see("one").text, "first value");
  refused(["secrets", "rotate", "--operator-key", "one.json"], "HOST_OPERATOR_KEY_INVALID", 3);
  // Another host's, made when it first needed one.
  ok(["secrets", "rotate", "--data-dir", "other"]);
  const operatorKey = readFileSync(join(folder, "other/operator.agekey"), "utf8");
  writeFileSync(join(folder, "new.agekey"), `# public key: not needed\n${operatorKey}`);
  assert.equal((ok(["secrets", "rotate", "--operator-key", "new.agekey"]) as Document).hasNewOperatorKey, true);
  assert.equal(readFileSync(join(folder, "state/operator.agekey"), "utf8"), operatorKey);
  assert.equal(see("one").text, "first value");
  ok(["permissions", "revoke", "acme.words", "secrets_access"]);

  // One call of several, by their key.
  const keyed = ["run", "acme.words", "remember", "--input", "-", "--idempotency-key", "order-7"];
  ok(keyed, '{"name":"once"}');
  ok(keyed, '{"name":"once"}');
  refused(keyed, "BROKER_KEY_REUSED", 3, '{"name":"twice"}');
  refused(["run", "acme.words", "see", "--idempotency-key", "a b"], "CLI_USAGE", 2);

  // Settings, schedules, starting and ending.
  assert.equal(see("one").unit, "km");
  ok(["config", "set", "acme.words", "-"], '{"unit":"mi"}');
  assert.deepEqual((ok(["config", "get", "acme.words"]) as Document).config, { unit: "mi" });
  assert.equal(see("one").unit, "mi");
  refused(["config", "set", "acme.words", "-"], "HOST_SETTINGS_INVALID", 3, '{"units":1}');
  const [schedule] = (ok(["schedules", "acme.words"]) as Document).schedules;
  assert.deepEqual([schedule.name, schedule.isDeclared, schedule.definition.cron], ["yearly", true, "0 0 1 1 *"]);
  assert.ok(!Number.isNaN(Date.parse(schedule.nextAt)));
  ok(["unload", "acme.words"]);
  ok(["load", "acme.words"]);
  refused(["load", "acme.nobody"], "HOST_PLUGIN_UNKNOWN", 3);
  assert.equal((ok(["secrets", "remove", "acme.words", "two"]) as Document).removed, true);
  assert.equal((ok(["secrets", "remove", "acme.words", "two"]) as Document).removed, false);

  // More than one page of what it stored, whole and in order, before it is erased.
  const names = Array.from({ length: 3 }, (_, index) => `name ${index}`);
  for (const name of names) ok(["run", "acme.words", "remember", "--input", "-"], JSON.stringify({ name }));
  refused(["uninstall", "acme.words", "--yes", "--export", join(folder, "words.berth")], "CLI_FILE_UNWRITABLE", 6);
  assert.equal((ok(["list"]) as Document).plugins.length, 1, "an export that failed erases nothing");
  ok(["uninstall", "acme.words", "--yes", "--export", join(folder, "kept.jsonl")]);
  const kept = readFileSync(join(folder, "kept.jsonl"), "utf8").trimEnd().split("\n");
  const values = kept.map((each) => JSON.parse(each)).flatMap(({ value }) => value ?? []);
  assert.deepEqual(values, [...names, "once"]);
  assert.deepEqual((ok(["list"]) as Document).plugins, []);

  host.kill("SIGTERM");
  const [status] = (await once(host, "exit")) as [number];
  assert.equal(status, 0);
});
