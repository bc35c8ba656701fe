// A call through the whole host (rights, schemas, journal) against a bare echo over a pipe to a child process, and
// beside other ways to run code apart: an isolate in this process, a thread, an Extism plugin, a new process each time.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";

import { installPlugin } from "../install-plugin.ts";
import { openLinePipe } from "../line-pipe.ts";
import { openCallPeers } from "../peers/call-peers.ts";
import { measure, ratio } from "../runner.ts";
import type { Ratio, Row, Subject } from "../runner.ts";

const CODE = `var berthPlugin = { actions: {
  echo: (input) => input,
  async wait(input, ctx) { await ctx.storage.get("none"); return input; },
} };`;
/** Lines in, the same lines out: the least that any isolation by process must pay. */
const ECHO = `let rest = ""; process.stdin.setEncoding("utf8"); process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\\n"); rest = lines.pop(); if (lines.length) process.stdout.write(lines.join("\\n") + "\\n"); });`;

const inTurn =
  (work: () => Promise<unknown>) =>
  async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await work();
  };

const sixtyFour =
  (work: () => Promise<unknown>) =>
  async (count: number): Promise<void> => {
    let left = count;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (left > 0) {
          left -= 1;
          await work();
        }
      }),
    );
  };

/** After the others: threads and processes of their own change where the kernel puts the two ends of a pipe. */
async function measurePeers(line: string): Promise<Row[]> {
  const { peers, close } = await openCallPeers();
  try {
    return await measure(
      peers.map(({ subject, count, ask }): Subject => {
        const work = async (): Promise<unknown> => JSON.parse(await ask(line));
        return { case: "100 B", subject, count, run: inTurn(work) };
      }),
      15,
    );
  } finally {
    await close();
  }
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-bench-"));
  const host = await openHost({ dataDir, engines: [isolate(), quickjs()] });
  const pipe = openLinePipe(["-e", ECHO]);
  try {
    const plugin = { code: CODE, actions: ["echo", "wait"] };
    await installPlugin(host, { id: "bench.echo", level: "standard", ...plugin });
    await installPlugin(host, { id: "bench.fresh", level: "strict", ...plugin });
    const small = { text: "x".repeat(85) };
    const large = { text: "x".repeat(10_000) };
    const subjects = (
      [
        ["100 B", small],
        ["10 KB", large],
      ] as const
    ).flatMap(([size, input]): Subject[] => {
      const line = JSON.stringify(input);
      const echo = async (): Promise<unknown> => JSON.parse(await pipe.ask(line));
      const call = (): Promise<unknown> => host.call("bench.echo", "echo", input);
      const fresh = (): Promise<unknown> => host.call("bench.fresh", "echo", input);
      return [
        { case: size, subject: "pipe echo", count: 2_000, run: inTurn(echo) },
        { case: size, subject: "berth", count: 2_000, run: inTurn(call) },
        { case: size, subject: "berth, strict", count: 2_000, run: inTurn(fresh) },
        { case: `${size}, 64 in flight`, subject: "pipe echo", count: 8_000, run: sixtyFour(echo) },
        { case: `${size}, 64 in flight`, subject: "berth", count: 8_000, run: sixtyFour(call) },
      ];
    });
    subjects.push({
      case: "100 B",
      subject: "berth, awaits broker",
      count: 1_000,
      run: inTurn(() => host.call("bench.echo", "wait", small)),
    });
    const rows = await measure(subjects, 15);
    rows.push(...(await measurePeers(JSON.stringify(small))));
    const ratios = [
      ratio(rows, "call.standard", "100 B", "berth", "pipe echo", 2),
      ratio(rows, "call.strict", "100 B", "berth, strict", "pipe echo", 3),
      ratio(rows, "call.standard.await", "100 B", "berth, awaits broker", "pipe echo", 4),
      ratio(rows, "call.standard.64", "100 B, 64 in flight", "berth", "pipe echo", 2),
    ];
    return { rows, ratios };
  } finally {
    pipe.end();
    await host.close();
    await rm(dataDir, { recursive: true });
  }
}
