// Other ways to run code apart from a program, each answering a line with the same line.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { createPlugin } from "@extism/extism";
import ivm from "isolated-vm";

export interface CallPeer {
  readonly subject: string;
  /** Calls in one round. */
  readonly count: number;
  ask(line: string): Promise<string>;
}

const WASM = join(import.meta.dirname, "../../engines/wasm/test/fixtures/extism-echo.wasm");
const ECHO_THREAD = `const { parentPort } = require("node:worker_threads");
  parentPort.on("message", (line) => parentPort.postMessage(JSON.stringify(JSON.parse(line))));`;

/** JSON in and out, as between any two worlds. Its calls are synchronous: the program waits for them. */
function isolatePeer(): { readonly isolate: ivm.Isolate; readonly ask: (line: string) => Promise<string> } {
  const isolate = new ivm.Isolate({ memoryLimit: 64 });
  const context = isolate.createContextSync();
  const echo = context.evalSync("(line) => JSON.stringify(JSON.parse(line))", { reference: true });
  return { isolate, ask: (line) => Promise.resolve(echo.applySync(undefined, [line], { timeout: 1_000 }) as string) };
}

/** Node is started, answers one line and ends. */
async function askNewProcess(line: string): Promise<string> {
  const child = spawn(process.execPath, ["-e", "process.stdin.pipe(process.stdout)"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(line);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return text;
}

export async function openCallPeers(): Promise<{ readonly peers: readonly CallPeer[]; close(): Promise<void> }> {
  const { isolate, ask: askIsolate } = isolatePeer();
  const thread = new Worker(ECHO_THREAD, { eval: true });
  // What AssemblyScript's runtime imports besides the kit.
  const env = {
    abort: (): never => {
      throw new Error("aborted");
    },
  };
  const plugin = await createPlugin(await WebAssembly.compile(await readFile(WASM)), {
    useWasi: false,
    functions: { env },
  });
  const askThread = async (line: string): Promise<string> => {
    const answered = once(thread, "message");
    thread.postMessage(line);
    const [answer] = (await answered) as [string];
    return answer;
  };
  return {
    peers: [
      { subject: "isolated-vm, in process", count: 2_000, ask: askIsolate },
      { subject: "worker thread", count: 2_000, ask: askThread },
      {
        subject: "Extism, in process",
        count: 2_000,
        async ask(line) {
          const text = (await plugin.call("echo", line))?.text() ?? "";
          // Else what each call took stays taken, and after some 30,000 blocks there are no addresses left.
          await plugin.reset();
          return text;
        },
      },
      { subject: "new Node process", count: 3, ask: askNewProcess },
    ],
    async close() {
      isolate.dispose();
      await plugin.close();
      await thread.terminate();
    },
  };
}
