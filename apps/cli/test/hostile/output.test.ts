// A plugin, its manifest and its messages try to write to the terminal; every command must keep them from it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthFile, berthIn } from "../berth.ts";

const { folder, run, ok, refused } = berthIn("berth-output-");

/** Clear the screen, a C1 control sequence, a carriage return, a title, right-to-left override. */
const EVIL = "\u001b[2J\u009b31m\r\u001b]0;owned\u0007\u202e";
const UNSAFE = /[^\P{C}\n]/u;
const PACKAGE = "acme.evil-0.1.0.berth";

function makeEvilPackage(): string {
  ok(["create", "evil", "--publisher", "acme"]);
  const manifestFile = join(folder, "evil/manifest.json");
  const manifest = JSON.parse(readFileSync(manifestFile, "utf8")) as Record<string, unknown>;
  const reason = `${EVIL}because`;
  writeFileSync(
    manifestFile,
    JSON.stringify({
      ...manifest,
      displayName: "evil\u202e",
      description: `${EVIL}\nInstall? [y/N] y`,
      permissions: [{ name: "user_data_access", entities: ["notes"], purpose: EVIL, reason }],
    }),
  );
  const source = `import { definePlugin } from "@berth/sdk";
export default definePlugin<any>({ actions: { async "count-words"({ text }) {
  const evil = ${JSON.stringify(EVIL)};
  console.log(evil + "\\n[acme.good] info: all is well");
  if (text === "throw") throw new RangeError(evil + "\\nberth: installed acme.good");
  if (text === "lie") return { [evil]: evil };
  return { words: 1, uses: 1 };
} } });
`;
  writeFileSync(join(folder, "evil/src/plugin.ts"), source);
  ok(["pack", "evil"]);
  const { keyId } = ok(["keys", "create"]) as { keyId: string };
  ok(["sign", PACKAGE]);
  return keyId;
}

test("nothing that a plugin or a package says reaches the terminal raw", () => {
  const keyId = makeEvilPackage();
  const commands: readonly (readonly [args: readonly string[], input?: string])[] = [
    [["verify", PACKAGE]],
    [["install", PACKAGE, "--yes"]],
    [["install", PACKAGE, "--yes", "--grant", "user_data_access"]],
    [["install", PACKAGE, "--yes", "--grant", "user_data_access", "--trust", keyId]],
    [["list"]],
    [["run", "acme.evil", "count-words", "--input", "-"], '{"text":"x"}'],
    [["run", "acme.evil", "count-words", "--input", "-"], '{"text":"throw"}'],
    [["run", "acme.evil", "count-words", "--input", "-"], '{"text":"lie"}'],
    [["run", "acme.evil", EVIL]],
    [["run", EVIL, "x"]],
    [["journal"]],
    [["scan", "evil"]],
    [[EVIL]],
    [["verify", EVIL]],
    [["list", `--${EVIL}`]],
    [["keys", "trust", EVIL, "x"]],
  ];
  for (const [args, input] of commands) {
    for (const more of [[], ["--json"]]) {
      const { stdout, stderr } = run([...args, ...more], input);
      const what = JSON.stringify([...args, ...more]);
      assert.doesNotMatch(stdout, UNSAFE, what);
      assert.doesNotMatch(stderr, UNSAFE, what);
    }
  }
  const { stderr } = run(["run", "acme.evil", "count-words", "--input", "-"], '{"text":"throw"}');
  assert.doesNotMatch(stderr, /^\[acme\.good\]|^berth: installed/m, "a plugin cannot make a line of somebody else's");
});

test("with --json there is exactly one document on standard output, whatever goes wrong", () => {
  const failing: readonly (readonly string[])[] = [
    ["nope"],
    ["help", "nope"],
    ["list", "--nope"],
    ["list", "--data-dir", ""],
    ["list", "--data-dir", "/dev/null"],
    ["run"],
    ["run", "acme.none", "x"],
    ["journal", "--limit", "0"],
    ["verify", "/dev/null"],
    ["verify", folder],
    ["verify", "none.berth"],
    ["sign", PACKAGE, "--key", folder],
    ["install", PACKAGE],
    ["archive"],
    ["archive", "verify", "none.tar", PACKAGE],
    ["archive", "extract", PACKAGE],
    ["create", "A"],
    ["pack", "none"],
    ["types", "none"],
    ["resolve", "--universe", PACKAGE],
    ["scan", "none"],
    ["scan", "evil", "--fail-on", "x"],
    ["keys", "nope"],
    ["keys", "trust", "acme.evil", "x"],
    ["uninstall", "acme.none"],
  ];
  for (const args of failing) {
    const { status, stdout } = run([...args, "--json"]);
    assert.ok([2, 3, 4, 6].includes(status ?? -1), `${args.join(" ")} ended with ${status}: ${stdout}`);
    assert.equal(typeof JSON.parse(stdout), "object", args.join(" "));
    assert.match(stdout, /^[^\n]+\n$/, args.join(" "));
  }
});

test("an empty BERTH_DATA_DIR does not make the current folder the data directory", () => {
  const env = { ...process.env, BERTH_DATA_DIR: "" };
  assert.equal(spawnSync(berthFile, ["list"], { cwd: folder, env, encoding: "utf8" }).status, 0);
  assert.ok(!existsSync(join(folder, "host.sqlite")));
  assert.ok(existsSync(join(folder, ".berth/host.sqlite")));
});

test("an answer that cannot be written is not a success", { skip: !existsSync("/dev/full") && "no /dev/full" }, () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(berthFile, ["--version"], { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
  closeSync(full);
  assert.equal(status, 6);
  assert.match(stderr, /could not be written \(ENOSPC\)/);
});

test("a device that never ends is not read for ever", { skip: !existsSync("/dev/zero") && "no /dev/zero" }, () => {
  refused(["verify", "/dev/zero"], "CLI_FILE_TOO_LARGE", 3);
});

test("a link named README brings no file of the machine into the package", () => {
  writeFileSync(join(folder, "secret.txt"), "secret");
  ok(["create", "linked", "--publisher", "acme"]);
  symlinkSync(join(folder, "secret.txt"), join(folder, "linked/LICENSE"));
  ok(["pack", "linked"]);
  ok(["archive", "extract", "acme.linked-0.1.0.berth", "--to", "unpacked"]);
  assert.ok(!existsSync(join(folder, "unpacked/LICENSE")));
  const manifestFile = join(folder, "linked/manifest.json");
  symlinkSync(join(folder, "secret.txt"), join(folder, "linked/icon.png"));
  writeFileSync(manifestFile, readFileSync(manifestFile, "utf8").replace("{", '{ "icon": "icon.png",'));
  refused(["pack", "linked"], "CLI_FILE_UNREADABLE", 3);
});
