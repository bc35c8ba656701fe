import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";

const LIST_MS = 5_000;
const ELF_MAGIC = 0x7f45_4c46;
const ELF_64_LITTLE = [2, 1] as const;
const PT_INTERP = 3;
const MAX_HEADERS = 64;
const MAX_INTERPRETER_BYTES = 4_096;

/**
 * The dynamic linker that a program names (PT_INTERP of elf(5)).
 *
 * @throws Error when the file is no dynamically linked 64-bit little-endian program
 */
export async function interpreterOf(program: string): Promise<string> {
  const file = await open(program);
  try {
    const read = async (at: number, length: number): Promise<Buffer> => {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    };
    const header = await read(0, 64);
    const isElf64 =
      header.length === 64 &&
      header.readUInt32BE(0) === ELF_MAGIC &&
      header[4] === ELF_64_LITTLE[0] &&
      header[5] === ELF_64_LITTLE[1];
    if (!isElf64) throw new Error(`${program} is no 64-bit ELF program`);
    const [at, size, count] = [Number(header.readBigUInt64LE(32)), header.readUInt16LE(54), header.readUInt16LE(56)];
    for (let index = 0; index < Math.min(count, MAX_HEADERS); index += 1) {
      const segment = await read(at + index * size, 56);
      if (segment.length < 56 || segment.readUInt32LE(0) !== PT_INTERP) continue;
      const length = Math.min(Number(segment.readBigUInt64LE(32)), MAX_INTERPRETER_BYTES);
      return (await read(Number(segment.readBigUInt64LE(8)), length)).toString("latin1").replace(/\0.*$/s, "");
    }
    throw new Error(`${program} names no dynamic linker`);
  } finally {
    await file.close();
  }
}

/**
 * Every shared library that these files load at start, and the linker itself, as the linker finds them with an empty
 * environment. It lists them without running the files' code (`--list` of glibc and musl).
 */
export async function linkedLibraries(interpreter: string, files: readonly string[]): Promise<string[]> {
  const found = new Set([interpreter]);
  for (const file of files) {
    const { stdout } = await promisify(execFile)(interpreter, ["--list", file], {
      env: {},
      cwd: "/",
      timeout: LIST_MS,
      killSignal: "SIGKILL",
    });
    for (const [, path] of stdout.matchAll(/^\s*(?:.+ => )?(\/.+) \(0x[0-9a-f]+\)$/gm)) if (path) found.add(path);
  }
  return [...found].toSorted();
}
