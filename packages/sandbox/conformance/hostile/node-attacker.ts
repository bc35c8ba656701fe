// A sandbox host that has been taken over: it starts as a real one does, with the same wall and the same filters, and
// then runs whatever it is sent, with all of Node and with raw system calls. Built into one file by the tests.
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { createInterface } from "node:readline";

import { PIPE_DESCRIPTOR } from "../../src/protocol.ts";
import { confine } from "../../src/walls/node-confine.ts";
import { FOREIGN_FUNCTIONS_FILE } from "../../src/walls/node-foreign-functions.ts";
import { loadAddon, runtimeFile, sandboxHostArguments } from "../../src/walls/node-runtime-files.ts";
import type { AttackRequest } from "./attack-result.ts";

/** The part of koffi that an attacker uses. */
interface Native {
  load(path: null): { func(signature: string): (...args: unknown[]) => number };
  errno(): number;
  os: { errno: Readonly<Record<string, number>> };
}

const native = loadAddon(FOREIGN_FUNCTIONS_FILE) as Native;
const libc = native.load(null);
// Loaded while files can be read.
const require = createRequire(runtimeFile(FOREIGN_FUNCTIONS_FILE));
for (const name of ["child_process", "dgram", "net", "os", "worker_threads"]) require(`node:${name}`);

const ARGUMENTS = 6;
const typeOf = (value: unknown): string =>
  typeof value === "string" ? "const char *" : typeof value === "object" ? "const void *" : "long";

function syscall([x64, arm64]: readonly [number, number], ...given: readonly unknown[]): number {
  const args = Array.from({ length: ARGUMENTS }, (_, index) => given[index] ?? 0);
  const number = process.arch === "x64" ? x64 : arm64;
  const answer = libc.func(`long syscall(long, ${args.map(typeOf).join(", ")})`)(number, ...args);
  if (answer !== -1) return answer;
  const errno = native.errno();
  const [code = `errno ${errno}`] = Object.entries(native.os.errno).find(([, value]) => value === errno) ?? [];
  throw Object.assign(new Error(`system call ${number}`), { code });
}

const socket = new Socket({ fd: PIPE_DESCRIPTOR, readable: true, writable: true });
const { confinement } = sandboxHostArguments();
if (confinement !== undefined) confine(runtimeFile(FOREIGN_FUNCTIONS_FILE), confinement);
socket.write("ready\n");
createInterface({ input: socket }).on("line", (line) => void attack(JSON.parse(line) as AttackRequest));

async function attack({ run, target }: AttackRequest): Promise<void> {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- running foreign text is what this process is for
    const attacker = new Function(`return (${run})`)() as (tools: object) => unknown;
    const value: unknown = await attacker({ require, syscall, target });
    socket.write(`${JSON.stringify({ outcome: "works", said: String(value ?? "").slice(0, 200) })}\n`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    socket.write(`${JSON.stringify({ outcome: "refused", said: code ?? message })}\n`);
  }
}
