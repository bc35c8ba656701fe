// Records what a compartment took from outside during calls, and gives the same again. Run by itself it replays a
// file of recorded calls in a process of its own: node engines/quickjs/test/replay.ts FILE
import { readFileSync } from "node:fs";

import { nodePowers } from "../src/node-powers.ts";
import { openStrict } from "./bench.ts";
import type { Said, StrictBench } from "./bench.ts";

/** A plugin that uses everything that could differ from one run to the next. */
export const RESTLESS = `
const loadedAt = Date.now(), drawnAtLoad = Math.random();
var berthPlugin = { actions: {
  async all({ words, rounds }, ctx) {
    const out = [loadedAt, drawnAtLoad, Date.now(), new Date().toString(), new Date().getTimezoneOffset()];
    for (let i = 0; i < rounds; i++) out.push(Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(i * 3))], performance.now());
    out.push([...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(words.join())))], new URL("http://x/?" + words.map(encodeURIComponent)).href);
    out.push(words.map((word) => word.localeCompare("m")), (1234567.891).toLocaleString(), new Date(0).toLocaleDateString("de-DE"));
    out.push([...words].sort(() => Math.random() - 0.5), [...new Set(words)], Object.keys(Object.fromEntries(words.map((w) => [w, 1]))));
    const races = words.map((word, i) => new Promise((done) => setTimeout(() => done([word, Date.now(), Math.random()]), i % 3)));
    out.push(await Promise.race([...races, new Promise((done) => setTimeout(done, 5, "late"))]));
    out.push(await Promise.all([ctx.storage.get("a"), ctx.storage.get("b"), ...races]), Date.now());
    ctx.log.info("drew", { last: Math.random() });
    try { null.x; } catch (error) { out.push(error.stack, error.message); }
    return out;
  },
} };`;

/** Everything that entered: a call and what followed it, each with the clock it was entered at. */
export interface RecordedCall {
  readonly input: unknown;
  readonly words: number[];
  readonly entries: (
    | { readonly kind: "call"; readonly nowMs: number }
    | { readonly kind: "answer"; readonly nowMs: number; readonly index: number; readonly json: string }
    | { readonly kind: "timer"; readonly nowMs: number; readonly index: number }
  )[];
  /** JSON of everything that the compartment said. */
  readonly said: string;
}

interface Outside {
  nowMs: number;
  readonly timers: (() => void)[];
  word: () => number;
}

function openRecorded(): { bench: StrictBench; outside: Outside } {
  const outside: Outside = { nowMs: 0, timers: [], word: () => 0 };
  const bench = openStrict(RESTLESS, {
    powers: {
      nowMs: () => outside.nowMs,
      randomWord: () => outside.word(),
      setTimer(run) {
        outside.timers.push(run);
        return () => undefined;
      },
    },
  });
  return { bench, outside };
}

/** Makes calls with the real clock and real randomness, answering requests and timers in an order that `choose` draws. */
export function record(inputs: readonly unknown[], choose: (among: number) => number): RecordedCall[] {
  const real = nodePowers(new Map());
  const { bench, outside } = openRecorded();
  return inputs.map((input) => {
    const call: RecordedCall & { said: string } = { input, words: [], entries: [], said: "" };
    outside.timers.length = 0;
    outside.word = () => {
      const word = real.randomWord();
      call.words.push(word);
      return word;
    };
    const clock = (): number => (outside.nowMs = real.nowMs() + call.entries.length * choose(50));
    call.entries.push({ kind: "call", nowMs: clock() });
    bench.said.length = 0;
    bench.call("all", input);
    const pending: (() => void)[] = [];
    let seenTimers = 0;
    let seenSaid = 0;
    for (;;) {
      for (; seenTimers < outside.timers.length; seenTimers += 1) {
        const index = seenTimers;
        pending.push(() => {
          call.entries.push({ kind: "timer", nowMs: clock(), index });
          outside.timers[index]?.();
        });
      }
      for (; seenSaid < bench.said.length; seenSaid += 1) {
        const each = bench.said[seenSaid];
        if (each?.kind !== "request") continue;
        const json = JSON.stringify({ value: choose(1_000) });
        const index = idsOf(bench.said).indexOf(each.id);
        pending.push(() => {
          call.entries.push({ kind: "answer", nowMs: clock(), index, json });
          bench.compartment.settle(each.id, true, json, []);
        });
      }
      const [next] = pending.splice(choose(pending.length), 1);
      if (next === undefined) break;
      next();
    }
    call.said = wordsOf(bench.said);
    bench.rest();
    return call;
  });
}

/** Gives each call what was recorded; answers with what was said this time. */
export function replay(calls: readonly RecordedCall[]): string[] {
  const { bench, outside } = openRecorded();
  return calls.map((call) => {
    let next = 0;
    outside.timers.length = 0;
    outside.word = () => call.words[next++] ?? 0;
    bench.said.length = 0;
    for (const entry of call.entries) {
      outside.nowMs = entry.nowMs;
      if (entry.kind === "call") bench.call("all", call.input);
      else if (entry.kind === "answer")
        bench.compartment.settle(idsOf(bench.said)[entry.index] ?? 0, true, entry.json, []);
      else outside.timers[entry.index]?.();
    }
    const said = wordsOf(bench.said);
    bench.rest();
    return said;
  });
}

const idsOf = (said: readonly Said[]): number[] => said.flatMap((each) => (each.kind === "request" ? [each.id] : []));

/** Requests are numbered through all calls of a compartment; within a call it is their order that counts. */
function wordsOf(said: readonly Said[]): string {
  const ids = idsOf(said);
  return JSON.stringify(said.map((each) => (each.kind === "request" ? { ...each, id: ids.indexOf(each.id) } : each)));
}

if (import.meta.main) {
  const calls = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as RecordedCall[];
  process.stdout.write(JSON.stringify(replay(calls)));
}
