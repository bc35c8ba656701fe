import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthIn } from "./berth.ts";

const { folder, run: berth, ok, refused } = berthIn("berth tour-");

const PACKAGE = "acme.words-0.1.0.berth";

test("the whole tour works: create, pack, sign, verify, install, run, journal, uninstall", () => {
  for (const language of ["javascript", "typescript"]) {
    ok(["create", `${language}-words`, "--publisher", "acme", "--template", language]);
    ok(["pack", `${language}-words`, "--out", `${language}.berth`]);
  }
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words"]);
  refused(["sign", PACKAGE], "CLI_FILE_UNREADABLE", 3);
  const { keyId, publicKey } = ok(["keys", "create"]) as { keyId: string; publicKey: string };
  refused(["verify", PACKAGE], "HOST_PACKAGE_UNSIGNED", 4);
  ok(["sign", PACKAGE]);
  assert.equal((ok(["verify", PACKAGE, "--key", publicKey])["signer"] as { isCompared: boolean }).isCompared, true);
  refused(["install", PACKAGE], "CLI_CONSENT_NEEDED", 4);
  refused(["install", PACKAGE, "--yes"], "CLI_CONSENT_NEEDED", 4);
  ok(["install", PACKAGE, "--yes", "--trust", keyId]);
  refused(["install", PACKAGE, "--yes"], "HOST_ALREADY_INSTALLED", 3);
  assert.deepEqual(ok(["run", "acme.words", "count-words", "--input", "-"], '{"text":"one two three"}')["output"], {
    words: 3,
    uses: 1,
  });
  assert.deepEqual(ok(["run", "acme.words", "count-words", "--input", "-"], '{"text":""}')["output"], {
    words: 0,
    uses: 2,
  });
  refused(["run", "acme.words", "count-words"], "HOST_INPUT_INVALID", 3);
  assert.equal((ok(["list"])["plugins"] as unknown[]).length, 1);
  assert.deepEqual((ok(["journal"])["entries"] as { kind: string }[]).map(({ kind }) => kind).toSorted(), [
    "call",
    "call",
    "call",
    "install",
    "trust",
  ]);
  assert.equal((ok(["keys", "list"])["keys"] as unknown[]).length, 1);
  refused(["uninstall", "acme.words"], "CLI_CONSENT_NEEDED", 4);
  ok(["uninstall", "acme.words", "--yes"]);
  refused(["run", "acme.words", "count-words"], "HOST_PLUGIN_UNKNOWN", 3);
});

test("a plugin's error comes with a stack in its author's source", () => {
  ok(["create", "broken", "--publisher", "acme"]);
  const source = join(folder, "broken/src/plugin.ts");
  writeFileSync(
    source,
    readFileSync(source, "utf8").replace(
      "const words =",
      'if (text === "boom") throw new RangeError("on purpose");\n      const words =',
    ),
  );
  ok(["pack", "broken"]);
  ok(["sign", "acme.broken-0.1.0.berth"]);
  ok(["install", "acme.broken-0.1.0.berth", "--yes"].concat("--trust", String(ok(["keys", "show"])["keyId"])));
  const run = berth(["run", "acme.broken", "count-words", "--input", "-"], '{"text":"boom"}');
  assert.equal(run.status, 3);
  assert.match(run.stderr, /RangeError: on purpose/);
  assert.match(run.stderr, /src\/plugin\.ts:\d+:\d+/);
});

test("refuses source that reaches for Node, with the place", () => {
  ok(["create", "reaching", "--publisher", "acme"]);
  const source = join(folder, "reaching/src/plugin.ts");
  writeFileSync(source, `import "node:fs";\n${readFileSync(source, "utf8")}`);
  refused(["pack", "reaching"], "CLI_BUNDLE_FAILED", 3);
});

test("says what is wrong with a command, and what was meant", () => {
  refused(["instal"], "CLI_USAGE", 2);
  refused(["pack"], "CLI_USAGE", 2);
  refused(["run", "x", "y", "--inptu", "z"], "CLI_USAGE", 2);
  refused(["verify", "nothing.berth"], "CLI_FILE_UNREADABLE", 3);
  refused(["create", "Words"], "CLI_USAGE", 2);
  refused(["create", "words"], "CLI_TARGET_EXISTS", 3);
  assert.match(berth(["instal"]).stderr, /Did you mean "berth install"\?/);
  assert.match(berth(["help"]).stdout, /uninstall {2}remove a plugin/);
  assert.match(berth(["--version"]).stdout, /^berth \d+\.\d+\.\d+\n$/);
});

test("judges and extracts archives as the rules for packages say", () => {
  const { sha256, entries } = ok(["archive", "verify", PACKAGE]) as { sha256: string; entries: number };
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.equal(entries, 6);
  writeFileSync(join(folder, "bad.tar"), "no archive at all");
  refused(["archive", "verify", "bad.tar"], "ARCHIVE_NOT_AN_ARCHIVE", 3);
  const several = berth(["archive", "verify", PACKAGE, "bad.tar", "--json"]);
  assert.equal(several.status, 3);
  assert.deepEqual(
    (JSON.parse(several.stdout) as { results: { ok: boolean }[] }).results.map(({ ok: isOk }) => isOk),
    [true, false],
  );
  ok(["archive", "extract", PACKAGE, "--to", "out"]);
  assert.equal(JSON.parse(readFileSync(join(folder, "out/manifest.json"), "utf8")).id, "acme.words");
  refused(["archive", "extract", PACKAGE, "--to", "out"], "ARCHIVE_TARGET_UNUSABLE", 6);
});

test("doctor runs a real plugin", () => {
  assert.equal(ok(["doctor"])["ok"], true);
});
