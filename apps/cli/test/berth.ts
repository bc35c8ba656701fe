// Runs the command as a user does, in a folder of its own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

export const berthFile = join(import.meta.dirname, "../../../bin/berth");

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `berth` in a temporary folder, which is removed when the tests of the file are done. */
export interface Berth {
  readonly folder: string;
  run(args: readonly string[], input?: string): Run;
  /** The one JSON document that a command prints; it must succeed. */
  ok(args: readonly string[], input?: string): Record<string, unknown>;
  /** The command must refuse with this code and exit code. */
  refused(args: readonly string[], code: string, status: number, input?: string): void;
}

/** @param name of the folder */
export function berthIn(name: string): Berth {
  const folder = mkdtempSync(join(tmpdir(), name));
  after(() => rmSync(folder, { recursive: true }));
  const run = (args: readonly string[], input = ""): Run => {
    const env = { ...process.env, BERTH_DATA_DIR: join(folder, "state") };
    const shell = process.platform === "win32";
    return spawnSync(berthFile, args, { cwd: folder, encoding: "utf8", input, env, shell });
  };
  return {
    folder,
    run,
    ok(args, input) {
      const { status, stdout, stderr } = run([...args, "--json"], input);
      assert.equal(status, 0, `berth ${args.join(" ")}\n${stdout}${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    refused(args, code, status, input) {
      const answer = run([...args, "--json"], input);
      const { ok, error } = JSON.parse(answer.stdout) as { ok: boolean; error: { code: string; message: string } };
      assert.deepEqual([ok, error.code, answer.status], [false, code, status], error.message);
    },
  };
}
