// A new world for every call: Berth at strict, through the whole host, against engines that make an instance for
// each call, each in a child process behind a pair of pipes (workerd, where there is one, behind HTTP on loopback). A
// plugin of about 20 KB and a value of 100 bytes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";

import { installPlugin } from "../install-plugin.ts";
import { openLinePipe } from "../line-pipe.ts";
import { openWorkerd } from "../peers/workerd.ts";
import { measure, ratio } from "../runner.ts";
import type { Ratio, Row, Subject } from "../runner.ts";

const FILLER = Array.from({ length: 400 }, (_, index) => `function part${index}(x) { return x * ${index} + 1; }`);
const CODE = `${FILLER.join("\n")}\nvar berthPlugin = { actions: { echo: (input) => input } };`;
const ROUNDS = 9;

const inTurn =
  (work: () => Promise<unknown>) =>
  async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await work();
  };

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-"));
  const file = join(folder, "plugin.js");
  await writeFile(file, CODE);
  const host = await openHost({ dataDir: join(folder, "data"), engines: [isolate(), quickjs()] });
  const peer = join(import.meta.dirname, "../peers/fresh-peer.ts");
  const wasm = join(import.meta.dirname, "../../engines/wasm/test/fixtures/extism-echo.wasm");
  const pipes = {
    "new quickjs-emscripten": openLinePipe([peer, "quickjs", file]),
    "new isolated-vm isolate": openLinePipe(["--no-node-snapshot", peer, "isolate", file]),
    "new Extism plugin": openLinePipe([peer, "extism", wasm]),
  };
  const workerd = await openWorkerd(folder, CODE);
  try {
    await installPlugin(host, { id: "bench.fresh", level: "strict", code: CODE, actions: ["echo"] });
    const input = { text: "x".repeat(85) };
    const line = JSON.stringify(input);
    const fresh = async (): Promise<unknown> => host.call("bench.fresh", "echo", input);
    const subjects: Subject[] = [{ case: "100 B", subject: "berth, strict", count: 1_000, run: inTurn(fresh) }];
    const peers = { ...pipes, ...(workerd !== undefined && { "new workerd isolate": workerd }) };
    for (const [subject, each] of Object.entries(peers)) {
      const ask = async (): Promise<unknown> => JSON.parse(await each.ask(line));
      subjects.push({ case: "100 B", subject, count: 40, run: inTurn(ask) });
    }
    const rows = await measure(subjects, ROUNDS);
    // The goal is "at least 50 times faster", written as a ratio of Berth's figure over the peer's.
    const ratios = [
      ratio(rows, "fresh.strict", "100 B", "berth, strict", "new quickjs-emscripten", 1 / 50),
      ratio(rows, "fresh.strict.isolate", "100 B", "berth, strict", "new isolated-vm isolate", 1),
      ratio(rows, "fresh.strict.extism", "100 B", "berth, strict", "new Extism plugin", 1),
    ];
    if (workerd !== undefined)
      ratios.push(ratio(rows, "fresh.strict.workerd", "100 B", "berth, strict", "new workerd isolate", 1));
    return { rows, ratios };
  } finally {
    for (const pipe of Object.values(pipes)) pipe.end();
    workerd?.end();
    await host.close();
    await rm(folder, { recursive: true });
  }
}
