// Calls with a secret in each, in every place where a call can leave one. Used by a test and by a longer script:
// node engines/quickjs/test/residue.ts COUNT
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { openStrict } from "./bench.ts";
import type { StrictBench } from "./bench.ts";

/** Every secret begins with this, so one search finds what any call left behind. */
const MARKER = "s3cr3t-0f-a-call";
const CODE = `
var kept = [];
function down(depth, secret) { return depth === 0 ? secret.length : down(depth - 1, secret + depth) + 1; }
var berthPlugin = { actions: {
  echo: (value) => value,
  keep(value) { kept.push(value); globalThis.leaked = value; Object.prototype.polluted = value.secret; return kept.length; },
  wide({ secret }) { globalThis.wide = secret + "\\u{1f511}\\u0416"; return globalThis.wide.length; },
  deep: ({ secret }) => down(40, secret),
  fails({ secret }) { throw new Error("failed with " + secret); },
  logs({ secret }) { console.log(secret, { secret }); return null; },
  code({ secret }) { return new Function("return " + JSON.stringify(secret))().length; },
  match: ({ secret }) => secret.replace(/[a-z]/g, (letter) => letter.toUpperCase()).split("-").sort().join("+").length,
  bytes({ secret }) { kept.push(new TextEncoder().encode(secret)); return kept.length; },
  many({ secret }) { const list = []; for (let i = 0; i < 300; i++) list.push({ secret: secret + i }); kept.push(list); return list.length; },
  symbol({ secret }) { globalThis[secret] = Symbol.for(secret); return 1; },
  async ask({ secret }, ctx) { const answer = await ctx.storage.get(secret); setTimeout(() => secret, 5); return answer.length; },
  waits: ({ secret }, ctx) => new Promise((resolve, reject) => ctx.signal.addEventListener("abort", () => reject(new Error(secret)))),
  loops({ secret }) { globalThis.looping = secret; for (;;); },
  grows({ secret }) { const list = []; for (let i = 0; i < 20000; i++) list.push(secret + i); return list.length; },
} };`;
const QUICK = [
  "echo",
  "keep",
  "wide",
  "deep",
  "fails",
  "logs",
  "code",
  "match",
  "bytes",
  "many",
  "symbol",
  "ask",
  "waits",
];

export interface ResidueReport {
  readonly calls: number;
  readonly searches: number;
  /** Calls after which a copy of a secret was found. */
  readonly residues: number;
  /** Calls whose memory differed from what it was after loading. */
  readonly differences: number;
  /** Calls that were not fresh: they saw something of an earlier one. */
  readonly stale: number;
  /** Calls that were interrupted, after which their machine must never be entered again. */
  readonly interrupted: number;
  /** Of these, how many machines said something all the same. */
  readonly reused: number;
}

/** An interrupted call takes all its CPU time, so there are few. */
const INTERRUPT_EVERY = 50_000;
const LIMITS = { memoryMiB: 16, cpuMs: 1_000 };

/** Makes `count` calls; looks at the whole memory after every `every`-th renewal. */
export async function searchResidue(
  count: number,
  every: number,
  onTenth?: () => Promise<void>,
): Promise<ResidueReport> {
  let bench = openStrict(CODE, LIMITS);
  const needles = [Buffer.from(MARKER, "latin1"), Buffer.from(MARKER, "utf16le"), Buffer.from(MARKER.toUpperCase())];
  const hasResidue = (memory: Buffer): boolean => needles.some((needle) => memory.includes(needle));
  // What memory is after a renewal. A machine that was given more room has another size from then on; what it is then
  // was searched. Equal memory needs no search.
  let image = Buffer.from(bench.compartment.memory);
  const report = { calls: count, searches: 0, residues: 0, differences: 0, stale: 0, interrupted: 0, reused: 0 };
  for (let index = 0; index < count; index += 1) {
    if (index === Math.floor(count / 10)) await onTenth?.();
    if (index % INTERRUPT_EVERY === INTERRUPT_EVERY - 1) {
      const lost = bench.call("loops", { secret: `${MARKER}-${index}` });
      if (lost.some(({ kind }) => kind === "lost")) report.interrupted += 1;
      if (bench.call("echo", { secret: "after" }).length > 0) report.reused += 1;
      bench.compartment[Symbol.dispose]();
      bench = openStrict(CODE, LIMITS);
      image = Buffer.from(bench.compartment.memory);
      if (hasResidue(image)) report.residues += 1;
      continue;
    }
    // Growing costs a new machine, so it is rarer.
    const isGrowing = index % 1_000 === 999;
    const action = isGrowing ? "grows" : (QUICK[index % QUICK.length] ?? "echo");
    const said = callOnce(bench, action, `${MARKER}-${index}`);
    if (action === "keep" && said !== "1") report.stale += 1;
    // Memory of a machine that is gone is given back in a turn of the event loop, as a sandbox host has after every call.
    if (isGrowing) await turnOfTheLoop();
    if (index % every !== 0) continue;
    report.searches += 1;
    const memory = Buffer.from(bench.compartment.memory.buffer);
    if (memory.equals(image)) continue;
    if (hasResidue(memory)) report.residues += 1;
    if (memory.length === image.length) report.differences += 1;
    else image = Buffer.from(memory);
  }
  return report;
}

function callOnce(bench: StrictBench, action: string, secret: string): string {
  const said = bench.call(action, { secret });
  const request = said.find(({ kind }) => kind === "request");
  if (request?.kind === "request") bench.compartment.settle(request.id, true, JSON.stringify({ value: secret }), []);
  if (action === "waits") bench.cancel();
  bench.rest();
  bench.said.length = 0;
  const [first] = said;
  return first?.kind === "result" ? first.json : "";
}

if (import.meta.main) {
  const startedAt = performance.now();
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const residentMiB = async (): Promise<number> => {
    collectGarbage();
    await turnOfTheLoop();
    collectGarbage();
    return Math.round(process.memoryUsage().rss / 1_048_576);
  };
  let tenthMiB = 0;
  const report = await searchResidue(Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 1), async () => {
    tenthMiB = await residentMiB();
  });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  process.stdout.write(`${JSON.stringify({ ...report, seconds, tenthMiB, endMiB: await residentMiB() })}\n`);
}
