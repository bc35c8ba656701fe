// Backup and restore, by the commands that the guide tells operators to type.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthFile, berthIn } from "./berth.ts";

const { folder, ok } = berthIn("berth-backup-");
const guide = readFileSync(join(import.meta.dirname, "../../../docs/guide/operate.md"), "utf8");

/** The first block of commands below a heading of the guide. */
function commandsOf(heading: string): string {
  const [, section = ""] = guide.split(`## ${heading}\n`);
  const [, commands = ""] = /```sh\n([^`]*)```/.exec(section) ?? [];
  assert.notEqual(commands, "", heading);
  return commands;
}

/** Types them into a shell, in the folder of the test; `/somewhere/else` is another folder of it. */
function type(commands: string, dataDir: string): string {
  const typed = commands.replaceAll("/somewhere/else/", "elsewhere/").replaceAll("./bin/berth", `'${berthFile}'`);
  const env = { ...process.env, BERTH_DATA_DIR: dataDir };
  const { status, stdout, stderr } = spawnSync("sh", ["-e", "-c", typed], { cwd: folder, env, encoding: "utf8" });
  assert.equal(status, 0, `${typed}\n${stdout}${stderr}`);
  return stdout;
}

const CODE = `export default { actions: {
  async note(text, ctx) { await ctx.storage.put("note", text); return null; },
  async tell(value, ctx) {
    return { note: await ctx.storage.get("note"), secret: await ctx.secrets.reveal("one"), settings: await ctx.config.get() };
  },
} };`;

function installPlugin(): void {
  ok(["create", "words", "--publisher", "acme", "--template", "javascript"]);
  const file = join(folder, "words/manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { runtime: { entry: string } };
  const any = { input: true, output: true };
  writeFileSync(join(folder, "words", manifest.runtime.entry), CODE);
  writeFileSync(
    file,
    JSON.stringify({
      ...manifest,
      permissions: [{ name: "secrets_access", names: ["one"], reveal: true, reason: "to tell" }],
      secrets: ["one"],
      config: { type: "object", properties: { unit: { type: "string" } } },
      contributes: { actions: { note: any, tell: any } },
    }),
  );
  ok(["pack", "words", "--out", "words.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  ok(["sign", "words.berth"]);
  ok(["install", "./words.berth", "--yes", "--trust", keyId, "--grant", "secrets_access"]);
}

test("a data directory that was backed up and restored by the guide's commands is the same host elsewhere", () => {
  installPlugin();
  const input = join(folder, "input.json");
  writeFileSync(input, '"kept"');
  ok(["run", "acme.words", "note", "--input", input]);
  ok(["secrets", "set", "acme.words", "one"], "the secret");
  ok(["config", "set", "acme.words", "-"], '{"unit":"km"}');
  const old = join(folder, "old machine");
  mkdirSync(join(folder, "elsewhere"));
  mkdirSync(old);
  const before = ok(["list"])["plugins"];
  spawnSync("mv", [join(folder, "state"), join(old, "state")]);

  type(commandsOf("Back up"), join(old, "state"));
  const listed = spawnSync("tar", ["-tf", join(folder, "backup.tar")], { encoding: "utf8" }).stdout.split("\n");
  // What the table says belongs in a backup, and what does not.
  const rows = [...guide.matchAll(/^\| ([^|]*`[^|]*) \|[^|]*\| ([^|]*) \|$/gm)].flatMap(([, names = "", where = ""]) =>
    Array.from(names.matchAll(/`([^`]+)`/g), ([, name = ""]) => ({ name, where: where.trim() })),
  );
  const belongs = new Map(rows.map(({ name, where }) => [name.replace(/\/$/, ""), where]));
  for (const name of readdirSync(join(old, "state"))) {
    const where = belongs.get(name);
    assert.ok(where !== undefined, `the guide's table leaves out ${name}`);
    const isKept = listed.some((path) => path === `./${name}` || path === `./${name}/`);
    assert.equal(isKept, where === "yes", name);
  }
  const backup = readFileSync(join(folder, "backup.tar"));
  assert.equal(backup.includes("the secret"), false);
  assert.equal(backup.includes("AGE-SECRET-KEY"), false);
  rmSync(old, { recursive: true });

  const said = type(commandsOf("Restore, or move to another machine"), "unused");
  assert.match(said, /acme\.words\s+0\.1\.0\s+enabled/);
  assert.equal(existsSync(join(folder, "unused")), false);
  assert.equal(statSync(join(folder, "state")).mode & 0o777, 0o700);
  assert.deepEqual(ok(["list"])["plugins"], before);
  assert.deepEqual(ok(["run", "acme.words", "tell"])["output"], {
    note: "kept",
    secret: "the secret",
    settings: { unit: "km" },
  });
});
