import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

const berthFile = join(import.meta.dirname, "../../../bin/berth");
const folder = mkdtempSync(join(tmpdir(), "berth registry tour-"));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

const env = (): NodeJS.ProcessEnv => ({ ...process.env, BERTH_DATA_DIR: join(folder, "state") });

function berth(
  args: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(berthFile, args, { cwd: folder, encoding: "utf8", input: "", env: { ...env(), ...variables } });
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

/** The one JSON document that a command prints, and nothing beside it; it must succeed. */
function ok(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Document {
  const { status, stdout, stderr } = berth([...args, "--json"], variables);
  assert.equal(status, 0, `berth ${args.join(" ")}\n${stdout}${stderr}`);
  assert.equal(stderr, "", "nothing on standard error where it is no terminal");
  assert.equal(stdout.trimEnd().split("\n").length, 1);
  return JSON.parse(stdout);
}

function refused(args: readonly string[], code: string, status: number): Document {
  const run = berth([...args, "--json"]);
  const { ok: isOk, error } = JSON.parse(run.stdout) as Document;
  assert.deepEqual([isOk, error.code, run.status], [false, code, status], error.message);
  return error;
}

/** Starts a command that keeps running; gives the document that it prints when it is ready. */
async function startBerth(
  args: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Promise<{ child: ChildProcess; ready: Document }> {
  const child = spawn(berthFile, [...args, "--json"], {
    cwd: folder,
    env: { ...env(), ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  return { child, ready: JSON.parse(line) };
}

function makePlugin(name: string, manifest: Document = {}): string {
  ok(["create", name, "--publisher", "acme"]);
  const file = join(folder, name, "manifest.json");
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, "utf8")) as object), ...manifest }));
  const packed = ok(["pack", name]).file as string;
  ok(["sign", packed]);
  return packed;
}

test("the tour goes on: claim a name, publish, search, show, install a graph, and ask about it", async () => {
  const { child, ready } = await startBerth(["registry", "start", "--port", "0"], {
    BERTH_REGISTRY_LOG_LEVEL: "silent",
  });
  const { url, operatorToken } = ready as { url: string; operatorToken: string };
  const { keyId } = ok(["keys", "create"]);
  refused(["search", "words"], "CLI_NO_REGISTRY", 2);
  refused(["registry", "add", "local", "http://registry.example"], "CLIENT_URL_INSECURE", 4);
  assert.equal(ok(["registry", "add", "local", url]).registry.name, "local");
  const claimed = ok(["registry", "claim", "acme", "--save-token", "token"], { BERTH_TOKEN: operatorToken });
  assert.equal(claimed.token.token, undefined, "a token that is kept is not shown");
  assert.equal(statSync(join(folder, "token")).mode & 0o777, 0o600);

  const base = makePlugin("base");
  const words = makePlugin("words", { dependencies: { "acme.base": "^0.1" } });
  refused(["publish", base], "CLIENT_TOKEN_MISSING", 4);
  assert.equal(ok(["publish", base, "--token-file", "token"]).id, "acme.base");
  assert.equal(ok(["publish", words, "--token-file", "token"]).version, "0.1.0");
  assert.equal(ok(["search", "words"]).items[0].id, "acme.words");
  assert.equal(ok(["show", "acme.words"]).publisher.keys[0].keyId, keyId);
  assert.match(berth(["show", "acme.words", "--readme"]).stdout, /acme\.words 0\.1\.0/);
  refused(["show", "acme.nothing"], "CLIENT_PLUGIN_UNKNOWN", 3);

  refused(["install", "acme.words"], "CLI_CONSENT_NEEDED", 4);
  refused(["install", "acme.words", "--yes"], "CLI_CONSENT_NEEDED", 4);
  refused(["install", "acme.words@^9", "--yes", "--trust", keyId], "RESOLVE_NO_SOLUTION", 3);
  const installed = ok(["install", "acme.words@^0.1", "--yes", "--trust", keyId]);
  assert.deepEqual(
    installed.installed.map(({ id }: Document) => id),
    ["acme.base", "acme.words"],
  );
  assert.equal(installed.id, "acme.words");
  assert.deepEqual(
    ok(["registry", "list"]).bindings.map(({ publisher }: Document) => publisher),
    ["acme"],
  );
  assert.deepEqual(ok(["why", "acme.base"]).paths, [["acme.words", "acme.base"]]);
  assert.equal(berth(["tree"]).stdout, "acme.words 0.1.0\n└── acme.base 0.1.0 for ^0.1\n");
  refused(["uninstall", "acme.base", "--yes"], "HOST_PLUGIN_NEEDED", 3);
  assert.deepEqual(ok(["outdated"]).outdated, []);

  const next = makePlugin("newer", { id: "acme.base", version: "0.1.5" });
  ok(["publish", next, "--token-file", "token"]);
  assert.deepEqual(
    ok(["outdated"]).outdated.map(({ id, wanted, latest }: Document) => [id, wanted, latest]),
    [["acme.base", "0.1.5", "0.1.5"]],
  );
  ok(["yank", "acme.base@0.1.5", "--reason", "Too early.", "--token-file", "token"]);
  assert.deepEqual(ok(["outdated"]).outdated, []);
  ok(["deprecate", "acme.base", "--message", "Use words alone.", "--token-file", "token"]);
  assert.equal(ok(["show", "acme.base"]).deprecated.message, "Use words alone.");

  assert.equal(ok(["lock"]).releases, 2);
  assert.deepEqual(ok(["uninstall", "acme.words", "--preview"]).unneeded, ["acme.base"]);
  const left = ok(["uninstall", "acme.words", "--yes"]).unneeded as string[];
  assert.deepEqual(left, ["acme.base"]);
  assert.deepEqual(ok(["uninstall", "--unneeded", "--yes"]).ids, ["acme.base"]);
  ok(["install", "acme.words@^0.1", "--yes", "--trust", keyId]);
  assert.deepEqual(ok(["uninstall", "acme.words", "--prune", "--yes"]).ids, ["acme.words", "acme.base"]);

  // The registry's process dies; its files are served from the same address by something that knows no API.
  child.kill("SIGTERM");
  await once(child, "exit");
  refused(["install", "acme.words"], "CLIENT_REGISTRY_UNREACHABLE", 6);
  const files = createServer((request, response) => {
    try {
      const path = join(folder, "state/registry/public", new URL(request.url ?? "/", url).pathname);
      const type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
      const bytes = readFileSync(path);
      response.writeHead(200, { "content-type": type }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  files.listen(Number(new URL(url).port), "127.0.0.1");
  await once(files, "listening");
  try {
    const frozen = await runAsync(["install", "--frozen", "--yes"]);
    assert.deepEqual(
      frozen.installed.map(({ id }: Document) => id),
      ["acme.base", "acme.words"],
    );
    assert.deepEqual((await runAsync(["run", "acme.words", "count-words", "--input", "input.json"])).output.words, 2);
  } finally {
    files.closeAllConnections();
    files.close();
  }
});

/** As `ok`, for a server that runs in this very process. */
async function runAsync(args: readonly string[]): Promise<Document> {
  writeFileSync(join(folder, "input.json"), '{"text":"two words"}');
  const child = spawn(berthFile, [...args, "--json"], {
    cwd: folder,
    env: env(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
  const [status] = (await once(child, "close")) as [number];
  assert.equal(status, 0, stdout);
  return JSON.parse(stdout);
}
