import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";

import { makeRootFolder } from "./node-root-folder.ts";
import type { Launch, RuntimeFile } from "./wall.ts";

/** Cached data that can be made again at any time (Filesystem Hierarchy Standard 3.0, section 5.5). */
export const DEFAULT_RUNTIME_FOLDER = "/var/cache/berth/runtime";

const NODE = "node";
const CHUNK_BYTES = 1_048_576;

/** One file of a runtime, and the digest that it must have. */
interface StagedFile extends RuntimeFile {
  readonly digest: string;
}

/**
 * Copies Node and everything that a sandbox host reads into folders that everybody can read and only root can
 * change: the user of a sandbox host has no right to a developer's home, and must not run what a developer can swap.
 * A folder's name is the digest of its contents; it is compared with them before every use by another program, and
 * appears under that name only when it is whole.
 *
 * @throws Error when a file cannot be read, or the folder cannot be trusted
 */
export async function stageRuntime(launch: Launch, folder: string): Promise<Launch> {
  const { executable, entry, files } = launch;
  const script = basename(entry);
  // Node has a folder of its own, which all engines share.
  const node = await stageFiles([{ name: NODE, source: executable }], folder);
  const engine = await stageFiles([{ name: script, source: entry }, ...files], folder);
  return {
    ...launch,
    executable: join(node, NODE),
    entry: join(engine, script),
    files: files.map(({ name }) => ({ name, source: join(engine, name) })),
  };
}

async function stageFiles(wanted: readonly RuntimeFile[], folder: string): Promise<string> {
  const staged: StagedFile[] = [];
  for (const file of wanted) staged.push({ ...file, digest: await digestOf(file.source) });
  const list = staged.map(({ name, digest }) => `${digest}  ${name}\n`).toSorted();
  const target = join(folder, createHash("sha256").update(list.join("")).digest("hex"));
  await makeRootFolder(folder);
  if (!(await exists(target))) await copyInto(folder, target, staged);
  await verifyStaged(target, staged);
  return target;
}

async function copyInto(folder: string, target: string, files: readonly StagedFile[]): Promise<void> {
  const unfinished = join(folder, `.unfinished-${randomUUID()}`);
  await mkdir(unfinished, { mode: 0o700 });
  try {
    for (const { name, source } of files) {
      const copy = join(unfinished, name);
      // A file or link that is there already is an error: the folder is new.
      await copyFile(source, copy, constants.COPYFILE_EXCL);
      await chmod(copy, name === NODE ? 0o555 : 0o444);
    }
    await chmod(unfinished, 0o755);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another program was faster: its folder is verified like ours would be.
    if (!(await exists(target))) throw error;
  }
}

/** @throws Error unless the folder holds exactly these files, root's, unchangeable and with the right contents */
async function verifyStaged(target: string, files: readonly StagedFile[]): Promise<void> {
  await makeRootFolder(target);
  const found = (await readdir(target)).toSorted();
  const expected = files.map(({ name }) => name).toSorted();
  if (found.join("/") !== expected.join("/")) throw new Error(`${target} holds ${found.join(", ")}`);
  for (const { name, digest } of files) {
    const path = join(target, name);
    // Other names of it (of a snapshot made of links, say) let nobody but root change it either.
    const { uid, mode } = await lstat(path);
    if (uid !== 0 || (mode & 0o222) !== 0)
      throw new Error(`${path} could be changed by others: user ${uid}, mode ${(mode & 0o7777).toString(8)}`);
    if ((await digestOf(path)) !== digest) throw new Error(`${path} is not what it was made from; remove ${target}`);
  }
}

/** SHA-256 of a regular file; a link in its last part is an error. */
async function digestOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file`);
    const hash = createHash("sha256");
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
