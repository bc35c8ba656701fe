import assert from "node:assert/strict";
import test from "node:test";

import { OrderedProgram } from "../src/node-ordered-program.ts";
import type { ProgramOutcome, ProgramRun } from "../src/node-program.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Said {
  readonly input: string[];
  kills: number;
}

/** A program that may write ten bytes, with what was said of it to the starter. */
function order(run: Partial<ProgramRun> = {}): { program: OrderedProgram; said: Said } {
  const said: Said = { input: [], kills: 0 };
  const program = new OrderedProgram(
    {
      program: "/bin/true",
      args: [],
      environment: {},
      folder: { descriptor: 0, path: "/", isWritable: false },
      input: new Uint8Array(),
      timeMs: 1_000,
      maxOutputBytes: 10,
      signal: new AbortController().signal,
      ...run,
    },
    {
      giveInput: async (bytes) => void said.input.push(new TextDecoder().decode(bytes)),
      kill: () => (said.kills += 1),
    },
  );
  return { program, said };
}

/** Hears that a program exited, and pieces of what it wrote. */
async function outcomeOf(stdoutBytes: number, stderrBytes: number, pieces: readonly string[]): Promise<ProgramOutcome> {
  const { program } = order();
  let isOver = program.hear({
    kind: "reported",
    id: 1,
    report: { kind: "exited", exitCode: 3, stdoutBytes, stderrBytes },
  });
  for (const piece of pieces) {
    assert.equal(isOver, false);
    isOver = program.hear({ kind: "output", id: 1, bytes: bytesOf(piece) });
  }
  assert.equal(isOver, true);
  return program.outcome;
}

test("what a program wrote is put together from its pieces", async () => {
  const exited = (stdout: string, stderr: string): ProgramOutcome => ({
    kind: "exited",
    exitCode: 3,
    stdout: bytesOf(stdout),
    stderr: bytesOf(stderr),
  });
  assert.deepEqual(await outcomeOf(0, 0, []), exited("", ""));
  assert.deepEqual(await outcomeOf(3, 2, ["a", "bc", "de"]), exited("abc", "de"));
  assert.deepEqual(await outcomeOf(0, 2, ["d", "e"]), exited("", "de"));
  assert.deepEqual(await outcomeOf(10, 0, ["abcdefghi", "j"]), exited("abcdefghij", ""));
});

test("more output than was asked for, or than was announced, is refused", async () => {
  const refused = { kind: "failed", why: "more output arrived than was announced" };
  for (const [stdoutBytes, stderrBytes, pieces] of [
    [11, 0, []],
    [6, 5, []],
    [2, 2, ["abc"]],
    [2, 2, ["ab", "cde"]],
    [0, 1, ["ab"]],
  ] as const)
    assert.deepEqual(await outcomeOf(stdoutBytes, stderrBytes, pieces), refused);
});

test("a signal is passed on until the program has ended", async () => {
  const controller = new AbortController();
  const { program, said } = order({ signal: controller.signal });
  controller.abort();
  assert.equal(said.kills, 1);
  assert.equal(program.hear({ kind: "reported", id: 1, report: { kind: "ended", by: "signal" } }), true);
  assert.deepEqual(await program.outcome, { kind: "ended", by: "signal" });
  const late = new AbortController();
  const other = order({ signal: late.signal });
  other.program.hear({ kind: "reported", id: 1, report: { kind: "ended", by: "time" } });
  late.abort();
  assert.equal(other.said.kills, 0);
});

test("input is given to a program that is there, and no more of it to one that has ended", async () => {
  const input = bytesOf("x".repeat(200_000));
  const { program, said } = order({ input });
  assert.deepEqual(said.input, []);
  program.hear({ kind: "waits", id: 1, program: { processId: 1, startTime: "none" } });
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  assert.equal(said.input.join("").length, 200_000);
  const ended = order({ input });
  ended.program.hear({ kind: "waits", id: 1, program: { processId: 1, startTime: "none" } });
  ended.program.hear({ kind: "reported", id: 1, report: { kind: "ended", by: "time" } });
  await ended.program.outcome;
  assert.equal(ended.said.input.length, 1);
});
