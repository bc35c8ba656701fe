import { effectOf } from "../syntax/effects.ts";
import type { Facts } from "../syntax/facts.ts";
import { moduleName } from "../syntax/references.ts";

/** What code can do to the world outside itself. */
export const capabilityNames = [
  "network",
  "files",
  "process",
  "environment",
  "clipboard",
  "native",
  "machine",
  "secrets",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

export interface CapabilityUse {
  readonly capability: CapabilityName;
  readonly path: string;
  readonly start: number;
  /** The module or function through which it is used. */
  readonly through: string;
}

const byModule = new Map<string, CapabilityName>(
  Object.entries({
    network:
      "http https http2 net tls dgram dns axios got node-fetch request undici superagent ws socket.io-client needle ky nodemailer",
    files: "fs fs/promises fs-extra graceful-fs",
    process: "child_process cluster execa cross-spawn shelljs node-pty zx worker_threads",
    clipboard: "clipboardy copy-paste",
    native: "ffi-napi bindings node-gyp-build koffi ref-napi",
    secrets: "keytar",
  }).flatMap(([capability, modules]) =>
    modules.split(" ").map((module): [string, CapabilityName] => [module, capability as CapabilityName]),
  ),
);

/** What a file's code uses, once for each capability and way. */
export function capabilityUses(path: string, facts: Facts): CapabilityUse[] {
  const uses = new Map<string, CapabilityUse>();
  const add = (capability: CapabilityName, through: string, start: number): void => {
    const key = `${capability} ${through}`;
    if (!uses.has(key) && uses.size < 64) uses.set(key, { capability, path, start, through });
  };
  for (const load of facts.loads) {
    const name = load.specifier.isConstant ? moduleName(load.specifier.shape ?? "") : "";
    const capability = byModule.get(name);
    if (capability !== undefined) add(capability, name, load.start);
  }
  for (const call of facts.calls) {
    const sink = effectOf(call.ref)?.sink;
    if (call.ref.startsWith("?.") || call.ref.startsWith("#") || call.ref.startsWith("*.")) continue;
    if (/^(?:XMLHttpRequest|RTCPeerConnection)$/u.test(call.ref)) add("network", call.ref, call.start);
    else if (sink === "send" && !/^(?:window\.open|open|location)/u.test(call.ref))
      add("network", call.ref, call.start);
    else if (sink === "resolve") add("network", call.ref, call.start);
    else if (sink === "run") add("process", call.ref, call.start);
    else if (sink === "write" || sink === "remove") add("files", call.ref, call.start);
    else if (sink === "clipboard" || call.ref.startsWith("navigator.clipboard")) add("clipboard", call.ref, call.start);
    else if (call.ref.endsWith("dlopen")) add("native", call.ref, call.start);
    else if (/^os\.(?:userInfo|hostname|networkInterfaces|homedir)$/u.test(call.ref))
      add("machine", call.ref, call.start);
  }
  for (const read of facts.reads) if (read.ref.startsWith("process.env")) add("environment", "process.env", read.start);
  return [...uses.values()];
}
