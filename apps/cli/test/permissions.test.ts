import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

const berthFile = join(import.meta.dirname, "../../../bin/berth");
const folder = mkdtempSync(join(tmpdir(), "berth-permissions-"));
const state = join(folder, "state");
after(() => rmSync(folder, { recursive: true }));

/** Runs a command and answers with its exit code and the one JSON document that it prints. */
function berth(args: readonly string[], input = ""): { status: number | null; json: Record<string, unknown> } {
  const env = { ...process.env, BERTH_DATA_DIR: state };
  const run = spawnSync(berthFile, [...args, "--json"], { cwd: folder, encoding: "utf8", input, env });
  return { status: run.status, json: JSON.parse(run.stdout) as Record<string, unknown> };
}

function ok(args: readonly string[], input = ""): Record<string, unknown> {
  const { status, json } = berth(args, input);
  assert.equal(status, 0, JSON.stringify(json));
  return json;
}

const codeOf = (args: readonly string[], input = ""): unknown =>
  (berth(args, input).json["error"] as { code: string } | undefined)?.code;

const CODE = `export default { actions: {
  async see({ name }, ctx) {
    const { unit } = await ctx.config.get();
    try { return { text: await ctx.secrets.reveal(name), unit }; } catch (error) { return { text: error.code, unit }; }
  },
} };`;

function installPlugin(): void {
  ok(["create", "words", "--publisher", "acme", "--template", "javascript"]);
  const file = join(folder, "words/manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { runtime: { entry: string } };
  writeFileSync(join(folder, "words", manifest.runtime.entry), CODE);
  const text = { type: "string" };
  writeFileSync(
    file,
    JSON.stringify({
      ...manifest,
      permissions: [{ name: "secrets_access", names: ["one", "two"], reveal: true, optional: true, reason: "to see" }],
      secrets: ["one", "two"],
      config: { type: "object", properties: { unit: { ...text, default: "km" } }, additionalProperties: false },
      contributes: {
        actions: {
          see: {
            input: { type: "object", properties: { name: text }, required: ["name"], additionalProperties: false },
            output: {
              type: "object",
              properties: { text, unit: text },
              required: ["text", "unit"],
              additionalProperties: false,
            },
          },
        },
      },
    }),
  );
  ok(["pack", "words", "--out", "words.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  ok(["sign", "words.berth"]);
  ok(["install", "./words.berth", "--yes", "--trust", keyId]);
}

test("an operator grants, sees, narrows and takes back permissions, and switches a plugin off and on", () => {
  installPlugin();
  const see = (name: string): unknown =>
    ok(["run", "acme.words", "see", "--input", "-"], JSON.stringify({ name }))["output"];
  ok(["secrets", "set", "acme.words", "one"], "first\n");
  ok(["secrets", "set", "acme.words", "two"], "second");
  assert.equal(codeOf(["secrets", "set", "acme.words", "three"], "x"), "HOST_SECRET_INVALID");
  assert.equal(JSON.stringify(ok(["secrets", "list", "acme.words"])).includes("first"), false);
  ok(["config", "set", "acme.words", "-"], '{"unit":"mi"}');
  assert.equal(codeOf(["config", "set", "acme.words", "-"], '{"units":1}'), "HOST_SETTINGS_INVALID");
  assert.deepEqual(ok(["config", "get", "acme.words"])["config"], { unit: "mi" });

  assert.deepEqual(see("one"), { text: "BROKER_DENIED", unit: "mi" });
  const [request] = ok(["permissions", "requests"])["requests"] as { pluginId: string; reason: string }[];
  assert.deepEqual([request?.pluginId, request?.reason], ["acme.words", "to see"]);
  for (const until of ["2999", "Jan 31 2999", "2999-01-31T10:00", "tomorrow"])
    assert.equal(
      codeOf(["permissions", "grant", "acme.words", "secrets_access", "--until", until]),
      "HOST_GRANT_REFUSED",
    );
  ok(["permissions", "grant", "acme.words", "secrets_access", "--until", "2999-01-31T01:00+01:00"]);
  const [ending] = ok(["permissions", "list", "acme.words"])["grants"] as { expiresAt?: string }[];
  assert.equal(ending?.expiresAt, "2999-01-31T00:00:00.000Z");
  ok(["permissions", "grant", "acme.words", "secrets_access"]);
  assert.deepEqual(see("one"), { text: "first", unit: "mi" });
  const [grant] = ok(["permissions", "list", "acme.words"])["grants"] as { lastUsedAt?: string }[];
  assert.match(grant?.lastUsedAt ?? "", /^20/);

  // Only "one" was used: that is what the manifest needs to ask for.
  const { permissions, unused, isComplete } = ok(["permissions", "suggest", "acme.words"]);
  assert.deepEqual(permissions, [
    { name: "secrets_access", names: ["one"], reveal: true, optional: true, reason: "to see" },
  ]);
  assert.deepEqual([unused, isComplete], [[], true]);
  const file = join(folder, "words/manifest.json");
  const asked = readFileSync(file, "utf8");
  const write = ["permissions", "suggest", "acme.words", "--write", "words"];
  const { manifest } = ok(write) as { manifest: { file: string; isChanged: boolean; removed: unknown[] } };
  assert.deepEqual([realpathSync(manifest.file), manifest.isChanged, manifest.removed], [realpathSync(file), true, []]);
  assert.equal(readFileSync(file, "utf8"), asked.replace('["one","two"],"reveal"', '["one"],"reveal"'));
  assert.equal((ok(write)["manifest"] as { isChanged: boolean }).isChanged, false);
  assert.equal(ok(["lint", "words"])["warnings"], 0);
  // What was edited since is neither what ran nor what is suggested.
  const edited = asked.replace('["one","two"],"reveal"', '["one","three"],"reveal"');
  writeFileSync(file, edited);
  assert.equal(codeOf(write), "CLI_MANIFEST_DIFFERS");
  assert.equal(readFileSync(file, "utf8"), edited);
  // Tried out as it is now, it is what ran; and what the installed one used stays.
  writeFileSync(file, asked.replaceAll('["one","two"]', '["one","two","three"]'));
  assert.equal(codeOf(write), "CLI_MANIFEST_DIFFERS");
  ok(["dev", "words", "--once", "--grant", "secrets_access", "--call", "see", "--input", "-"], '{"name":"three"}');
  const {
    uses,
    permissions: joined,
    ...tried
  } = ok(write) as {
    uses: number;
    permissions: { names: string[] }[];
    manifest: { isChanged: boolean };
  };
  assert.deepEqual([uses, tried.manifest.isChanged, joined[0]?.names], [1, true, ["one", "three"]]);
  const kept = asked.replaceAll('["one","two"]', '["one","two","three"]');
  assert.equal(readFileSync(file, "utf8"), kept.replace('["one","two","three"],"reveal"', '["one","three"],"reveal"'));
  // Also once it was tried as it was written.
  ok(["dev", "words", "--once"]);
  assert.equal((ok(write)["manifest"] as { isChanged: boolean }).isChanged, false);
  assert.equal(codeOf([...write.slice(0, -1), ""]), "CLI_USAGE");
  assert.equal(codeOf(["permissions", "list", "acme.words", "--write", "words"]), "CLI_USAGE");
  writeFileSync(file, asked);

  ok(["permissions", "revoke", "acme.words", "secrets_access"]);
  assert.deepEqual(see("one"), { text: "BROKER_DENIED", unit: "mi" });
  ok(["permissions", "grant", "acme.words", '{"name":"secrets_access","names":["two"],"reveal":true}']);
  assert.deepEqual(
    [see("one"), see("two")].map((output) => (output as { text: string }).text),
    ["BROKER_DENIED", "second"],
  );
  assert.equal(codeOf(["permissions", "grant", "acme.words", "system_exec"]), "CLI_USAGE");
  assert.equal(codeOf(["permissions", "grant", "acme.words", "everything"]), "CLI_USAGE");
  assert.equal(
    codeOf(["permissions", "grant", "acme.words", '{"name":"secrets_access","names":["three"]}']),
    "HOST_GRANT_REFUSED",
  );

  ok(["disable", "acme.words"]);
  assert.equal(codeOf(["run", "acme.words", "see", "--input", "-"], '{"name":"two"}'), "HOST_PLUGIN_NOT_ENABLED");
  ok(["enable", "acme.words"]);
  assert.equal((see("two") as { text: string }).text, "second");

  // A policy in the data directory holds for every command; one that cannot be read stops them.
  writeFileSync(join(state, "policy.json"), '{"deny": ["secrets_access"]}');
  assert.equal((see("two") as { text: string }).text, "BROKER_DENIED");
  writeFileSync(join(state, "policy.json"), '{"denny": []}');
  assert.equal(codeOf(["list"]), "HOST_POLICY_INVALID");
  rmSync(join(state, "policy.json"));

  const { preview } = ok(["uninstall", "acme.words", "--preview"]) as { preview: { grants: number } };
  assert.equal(preview.grants, 1);
  ok(["uninstall", "acme.words", "--yes", "--export", join(folder, "kept.jsonl")]);
  assert.match(readFileSync(join(folder, "kept.jsonl"), "utf8"), /berth-plugin-data/);
  assert.deepEqual(ok(["list"])["plugins"], []);
});
