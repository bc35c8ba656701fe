// Answers lines, each by a world that did not exist before: `node fresh-peer.ts quickjs|isolate|extism FILE`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import type { QuickJSSyncVariant } from "quickjs-emscripten-core";

type Peer = (line: string) => Promise<string>;

/** A new QuickJS in a new WebAssembly instance, of a module that was compiled once. */
async function quickjsPeer(file: string): Promise<Peer> {
  const { newQuickJSWASMModuleFromVariant, newVariant } = await import("quickjs-emscripten-core");
  // Its types describe the CommonJS form, whose default is one level deeper.
  const loaded: unknown = await import("@jitl/quickjs-wasmfile-release-sync");
  const { default: base } = loaded as { default: QuickJSSyncVariant };
  const code = readFileSync(file, "utf8");
  const wasm = createRequire(import.meta.url).resolve("@jitl/quickjs-wasmfile-release-sync/wasm");
  const wasmModule = await WebAssembly.compile(readFileSync(wasm));
  const variant = newVariant(base, { wasmModule });
  return async (line) => {
    const quickjs = await newQuickJSWASMModuleFromVariant(variant);
    const context = quickjs.newContext();
    context.unwrapResult(context.evalCode(code)).dispose();
    const call = context.unwrapResult(
      context.evalCode("(text) => JSON.stringify(berthPlugin.actions.echo(JSON.parse(text)))"),
    );
    const argument = context.newString(line);
    const answer = context.unwrapResult(context.callFunction(call, context.undefined, argument));
    const text = context.getString(answer);
    for (const handle of [answer, argument, call]) handle.dispose();
    context.dispose();
    return text;
  };
}

async function isolatePeer(file: string): Promise<Peer> {
  const { default: ivm } = await import("isolated-vm");
  const code = readFileSync(file, "utf8");
  return async (line) => {
    const isolate = new ivm.Isolate({ memoryLimit: 64 });
    const context = isolate.createContextSync();
    isolate.compileScriptSync(code).runSync(context);
    const text = context.evalClosureSync("return JSON.stringify(berthPlugin.actions.echo(JSON.parse($0)))", [line]);
    isolate.dispose();
    return text as string;
  };
}

/** A new plugin of a module that was compiled once. */
async function extismPeer(file: string): Promise<Peer> {
  const { createPlugin } = await import("@extism/extism");
  const module = await WebAssembly.compile(readFileSync(file));
  // What AssemblyScript's runtime imports besides the kit.
  const env = {
    abort: (): never => {
      throw new Error("aborted");
    },
  };
  return async (line) => {
    const plugin = await createPlugin(module, { useWasi: false, functions: { env } });
    const answer = await plugin.call("echo", line);
    const text = answer?.text() ?? "";
    await plugin.close();
    return text;
  };
}

const peers: Readonly<Record<string, (file: string) => Promise<Peer>>> = {
  quickjs: quickjsPeer,
  isolate: isolatePeer,
  extism: extismPeer,
};
const [name = "", file = ""] = process.argv.slice(2);
const answer = await peers[name]?.(file);
if (answer === undefined) throw new Error(`expected one of ${Object.keys(peers).join(", ")}, found ${name}`);
for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${await answer(line)}\n`);
