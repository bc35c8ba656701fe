import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

const berthFile = join(import.meta.dirname, "../../../bin/berth");
const folder = mkdtempSync(join(tmpdir(), "berth host start-"));
const hostFile = join(folder, "state/host-api.json");
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});
const env = { ...process.env, BERTH_DATA_DIR: join(folder, "state") };

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

function berth(args: readonly string[], input = ""): { status: number | null; document: Document } {
  const run = spawnSync(berthFile, [...args, "--json"], { cwd: folder, encoding: "utf8", input, env });
  return { status: run.status, document: JSON.parse(run.stdout) };
}

function ok(args: readonly string[], input = ""): Document {
  const { status, document } = berth(args, input);
  assert.equal(status, 0, JSON.stringify(document));
  return document;
}

async function startHost(): Promise<{ child: ChildProcess; ready: Document }> {
  const child = spawn(berthFile, ["host", "start", "--json"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  return { child, ready: JSON.parse(line) };
}

test("commands speak to the host that runs, and open their own when it is gone", async () => {
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words"]);
  const { keyId } = ok(["keys", "create"]);
  ok(["sign", "acme.words-0.1.0.berth"]);
  const { child, ready } = await startHost();
  assert.equal(statSync(hostFile).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(hostFile, "utf8")).pid, ready.pid);
  const refused = berth(["install", "acme.words-0.1.0.berth", "--yes"]);
  assert.deepEqual([refused.status, refused.document.error.code], [4, "CLI_CONSENT_NEEDED"]);
  assert.equal(ok(["install", "acme.words-0.1.0.berth", "--yes", "--trust", keyId]).id, "acme.words");
  const again = berth(["install", "acme.words-0.1.0.berth", "--yes"]);
  assert.deepEqual([again.status, again.document.error.code], [3, "HOST_ALREADY_INSTALLED"]);
  const words = ["run", "acme.words", "count-words", "--input", "-"];
  assert.deepEqual(ok(words, '{"text":"one two"}').output, { words: 2, uses: 1 });
  assert.deepEqual(ok([...words, "--user", "ada"], '{"text":"one"}').output.words, 1);
  assert.equal(ok(["list"]).plugins[0].id, "acme.words");
  assert.equal(
    ok(["journal"]).entries.some(({ kind }: Document) => kind === "call"),
    true,
  );
  assert.equal(ok(["tree"]).plugins.length, 1);
  assert.equal(berth([...words, "--level", "standard"], "{}").document.error.code, "CLI_HOST_RUNS");
  const second = berth(["host", "start"]);
  assert.deepEqual([second.status, second.document.error.code], [6, "HOST_BUSY"]);

  child.kill("SIGTERM");
  const [status] = (await once(child, "exit")) as [number];
  assert.equal(status, 0);
  assert.equal(existsSync(hostFile), false, "a host that ends takes its file with it");
  assert.deepEqual(ok(words, '{"text":"three"}').output, { words: 1, uses: 3 });
});

test("what a killed host left behind sends nobody to a stranger on its port", async () => {
  const { child } = await startHost();
  const file = readFileSync(hostFile, "utf8");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(ok(["list"]).plugins.length, 1, "nobody listens there any more");
  const heard: string[] = [];
  const stranger = createServer((request, response) => {
    heard.push(`${request.url} ${request.headers.authorization ?? ""}`);
    response.writeHead(200, { "content-type": "application/json" }).end('{"pid":1,"proof":"made up","plugins":[]}');
  });
  stranger.listen(Number(new URL(JSON.parse(file).url).port), "127.0.0.1");
  await once(stranger, "listening");
  try {
    writeFileSync(hostFile, file, { mode: 0o600 });
    const list = spawn(berthFile, ["list", "--json"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    list.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    await once(list, "close");
    assert.equal(JSON.parse(stdout).plugins.length, 1, stdout);
    assert.equal(heard.length, 1);
    assert.match(heard[0] ?? "", /^\/api\/v1\/host\?challenge=[0-9a-f]+ $/, "not even the token is sent");
  } finally {
    stranger.closeAllConnections();
    stranger.close();
  }
});
