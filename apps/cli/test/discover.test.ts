// What lies in folders, listed by a host of the command's own and by one that runs; then installed the ordinary way.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";

import { tryFormatShellWord } from "../src/shell-word.ts";
import { berthFile, berthIn } from "./berth.ts";

const { folder, ok, refused, run } = berthIn("berth-discover-");
const UNSAFE = /[^\P{C}\n]/u;

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

const dropped = (name: string): string => join(folder, "drop", name);

/** A signed package, the same unsigned, an author's folder, and what strangers leave behind. */
function fillDrop(): { keyId: string } {
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words", "--out", "words.berth"]);
  mkdirSync(join(folder, "drop"));
  copyFileSync(join(folder, "words.berth"), dropped("unsigned.berth"));
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  ok(["sign", "words.berth"]);
  copyFileSync(join(folder, "words.berth"), dropped("words.berth"));
  cpSync(join(folder, "words"), dropped("draft"), { recursive: true });
  writeFileSync(dropped("junk.berth"), "junk");
  symlinkSync(join(folder, "words.berth"), dropped("link.berth"));
  assert.equal(spawnSync("mkfifo", [dropped("pipe.berth")]).status, 0);
  return { keyId };
}

const found = (...args: readonly string[]): Document[] => (ok(["discover", ...args]) as Document).found;
const summaries = (list: readonly Document[]): unknown[] =>
  list.map(({ path, id, signer, error, installed }) => [
    path.slice(join(folder, "drop").length + 1),
    id,
    signer?.status ?? error?.code,
    installed?.isThis,
  ]);

test("lists what lies in a folder, says how it is used, and what it says installs it", async () => {
  const { keyId } = fillDrop();
  const plain = [
    ["draft", "acme.words", undefined, undefined],
    ["unsigned.berth", "acme.words", "HOST_PACKAGE_UNSIGNED", undefined],
    ["words.berth", "acme.words", "first-use", undefined],
    ["junk.berth", undefined, "ARCHIVE_PACKAGE_INVALID", undefined],
    ["link.berth", undefined, "HOST_DISCOVERY_NOT_PLAIN", undefined],
    ["pipe.berth", undefined, "HOST_DISCOVERY_NOT_PLAIN", undefined],
  ];
  assert.deepEqual(summaries(found("drop")), plain);
  assert.equal(existsSync(dropped("draft/berth.gen.d.ts")), existsSync(join(folder, "words/berth.gen.d.ts")));
  assert.deepEqual(ok(["list"])["plugins"], []);
  const { stdout, status } = run(["discover", "drop", "nowhere"]);
  assert.equal(status, 0);
  for (const line of [
    /^acme\.words 0\.1\.0 {2}words$/m,
    /^ {2}signed by {2}acme, key [0-9a-f-]+ \(new to this host\)$/m,
    /^ {2}refused {4}acme\.words 0\.1\.0 carries no signature \(HOST_PACKAGE_UNSIGNED\)$/m,
    /^ {2}! 2 more of this list claim to be acme\.words: compare who vouches$/m,
    /^! a symbolic link in ".*drop" not followed$/m,
    /^! the folder ".*nowhere" cannot be read \(ENOENT\) \(HOST_DISCOVERY_UNREADABLE\)$/m,
    /^Nothing of this was installed, trusted or run\.$/m,
  ])
    assert.match(stdout, line);
  assert.ok(stdout.includes(`\n  to run     berth dev ${dropped("draft")}, or developmentFolders in code\n`), stdout);
  const [, command = ""] = /^ {2}to install berth (install .*)$/m.exec(stdout) ?? [];
  assert.equal(command, `install ${dropped("words.berth")}`);
  refused(["discover", "nowhere"], "HOST_DISCOVERY_UNREADABLE", 6);
  for (const args of [
    ["discover"],
    ["discover", ""],
    ["discover", "drop", ""],
    ["host", "start", "--plugin-folder", ""],
  ])
    refused(args, "CLI_USAGE", 2);

  // A running host looks in its own folders, or in those that are named.
  const child = spawn(berthFile, ["host", "start", "--plugin-folder", "drop", "--json"], {
    cwd: folder,
    env: { ...process.env, BERTH_DATA_DIR: join(folder, "state") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(createInterface({ input: child.stdout }), "line");
    assert.deepEqual(summaries(found()), plain);
    assert.deepEqual(summaries(found("drop")), plain);
    assert.deepEqual(
      found("words").map(({ path }) => path),
      [join(folder, "words")],
    );
    ok([...command.split(" "), "--yes", "--trust", keyId]);
    assert.deepEqual(summaries(found()).slice(0, 3), [
      ["draft", "acme.words", undefined, false],
      ["unsigned.berth", "acme.words", "HOST_PACKAGE_UNSIGNED", true],
      ["words.berth", "acme.words", "trusted", true],
    ]);
    assert.match(run(["discover"]).stdout, /^ {2}installed {2}this: 0\.1\.0, enabled$/m);
  } finally {
    child.kill("SIGINT");
    await once(child, "exit");
  }
});

test("nothing that is found reaches the terminal raw, or becomes a command of its own", () => {
  mkdirSync(join(folder, "evil"));
  const evil = "\u001b[2J\u009b31m\u202e\nberth: installed.berth";
  const quoted = "it's; touch owned.berth";
  for (const name of [evil, quoted]) copyFileSync(join(folder, "words.berth"), join(folder, "evil", name));
  mkdirSync(join(folder, "evil/draft"));
  writeFileSync(join(folder, "evil/draft/manifest.json"), JSON.stringify({ [evil]: evil, id: evil }));
  symlinkSync(evil, join(folder, "evil", `${evil}x`));
  renameSync(join(folder, "evil"), join(folder, "\u001b[31mevil"));
  for (const more of [[], ["--json"]]) {
    const { stdout, stderr, status } = run(["discover", "\u001b[31mevil", ...more]);
    assert.equal(status, 0);
    assert.doesNotMatch(stdout + stderr, UNSAFE);
    assert.doesNotMatch(stdout, /^berth: installed/m);
  }
  renameSync(join(folder, "\u001b[31mevil"), join(folder, "evil"));
  const { stdout } = run(["discover", "evil", "--data-dir", "other"]);
  const commands = [...stdout.matchAll(/^ {2}to install berth install (.*)$/gm)].map(([, word = ""]) => word);
  assert.equal(commands.length, 1, "a name that cannot be shown is no command");
  const shown = spawnSync("sh", ["-c", `printf %s ${commands[0]}`], { cwd: folder, encoding: "utf8" }).stdout;
  assert.equal(shown, join(folder, "evil", quoted));
  assert.equal(readdirSync(folder).includes("owned.berth"), false);
});

test("a path is one word of a shell, whatever it holds, or none", () => {
  for (const text of ["/a/b.berth", "/a b", "/a'b", "$(id)", "`id`", "a\\b", "*", "~", "#x", "é"]) {
    const word = tryFormatShellWord(text) ?? "";
    assert.equal(spawnSync("sh", ["-c", `printf %s ${word}`], { encoding: "utf8" }).stdout, text, word);
  }
  for (const text of ["a\nb", "\u001b[2J", "\u202e", "\u200b"]) assert.equal(tryFormatShellWord(text), undefined);
});
