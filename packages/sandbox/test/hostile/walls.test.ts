import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";

import type { AttackReport } from "../../conformance/hostile/attack-result.ts";
import { OS_ATTACKS } from "../../conformance/hostile/os-attacks.ts";
import type { WallStrength } from "../../src/walls/wall.ts";
import { buildSandboxHost } from "./built-entry.ts";
import { readMachineSettings } from "../../conformance/hostile/machine-settings.ts";

const RUN = join(import.meta.dirname, "../../conformance/hostile/node-attack-run.ts");
const RUN_MS = 120_000;
const NOBODY = 65_534;
const WITHOUT_BUBBLEWRAP = "/nonexistent";

const { folder, entry: attacker } = await buildSandboxHost("packages/sandbox/conformance/hostile/node-attacker.ts");

interface User {
  readonly name: string;
  readonly uid: number | undefined;
}
const isRoot = process.getuid?.() === 0;
const users: readonly User[] = isRoot
  ? [
      { name: "root", uid: undefined },
      { name: "an ordinary user", uid: NOBODY },
    ]
  : [{ name: "an ordinary user", uid: undefined }];

/** Numbers that an embedding program's own parent left open; Node closes the lowest by itself. */
const LEFT_OPEN = [30, 251];

/** Runs an embedding program as that user and lets it be attacked. */
async function attackAs({ uid }: User, which: "basic" | "full", searchPath: string): Promise<AttackReport> {
  const args = [RUN, which, attacker, searchPath, join(folder, "runtime")];
  const leak = await open(attacker);
  try {
    const child = spawn(process.execPath, args, {
      cwd: "/",
      env: { PATH: process.env["PATH"] },
      stdio: Array.from({ length: 252 }, (_, descriptor) =>
        LEFT_OPEN.includes(descriptor) ? leak.fd : descriptor === 1 ? "pipe" : descriptor === 2 ? "inherit" : "ignore",
      ),
      timeout: RUN_MS,
      killSignal: "SIGKILL",
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const said = child.stdout === null ? "" : await text(child.stdout);
    return JSON.parse(said) as AttackReport;
  } finally {
    await leak.close();
  }
}

for (const user of users) {
  for (const which of ["basic", "full"] as const) {
    test(`an attacker behind the ${which} wall of ${user.name} gets what that wall leaves, and no more`, async (t) => {
      const before = readMachineSettings();
      const report = await attackAs(user, which, process.env["PATH"] ?? "");
      if (report.kind === "missing" && which === "full") return t.skip(report.why);
      assert.ok(report.kind === "attacked", JSON.stringify(report));
      const strength = report.strength as WallStrength;
      const claims = new Map(OS_ATTACKS.map(({ name, behind }) => [name, behind[strength]]));
      assert.ok(report.results.length >= 70);
      assert.deepEqual(
        report.results.filter(({ name, outcome }) => outcome !== claims.get(name)),
        [],
      );
      assert.deepEqual(readMachineSettings(), before, "settings of the machine");
    });
  }

  test(`${user.name} without bubblewrap is told that the full wall is missing`, async () => {
    const report = await attackAs(user, "full", WITHOUT_BUBBLEWRAP);
    assert.deepEqual(report, { kind: "missing", why: "there is no bwrap on the search path" });
  });
}

test("nothing foreign runs as root, whatever is missing", { skip: !isRoot && "this test is for root" }, async () => {
  const report = await attackAs({ name: "root", uid: undefined }, "basic", WITHOUT_BUBBLEWRAP);
  assert.equal(report.kind === "attacked" && report.strength, "own-uid");
});

test("the full wall refuses every attack of the list", () => {
  assert.ok(OS_ATTACKS.length >= 80);
  for (const { name, behind } of OS_ATTACKS) assert.equal(behind.full, "refused", name);
});
