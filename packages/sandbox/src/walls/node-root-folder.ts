import type { Stats } from "node:fs";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { dirname, isAbsolute, normalize } from "node:path";

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Makes a folder, and every folder above it, that only root can change: links are refused, and so are folders of
 * others and folders in which others can rename what is ours.
 *
 * @throws Error
 */
export async function makeRootFolder(path: string): Promise<void> {
  if (!isAbsolute(path) || normalize(path) !== path) throw new Error(`${path} is no plain absolute path`);
  const above = dirname(path);
  if (above !== path) await makeRootFolder(above);
  try {
    await mkdir(path, { mode: 0o755 });
    // Whatever the umask: users of sandbox hosts must be able to look through it.
    await chmod(path, 0o755);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const found = await lstat(path);
  if (!found.isDirectory()) throw new Error(`${path} is no folder`);
  refuseForeign(path, found);
}

function refuseForeign(path: string, { uid, mode }: Stats): void {
  if (uid !== 0) throw new Error(`${path} belongs to user ${uid}, expected root`);
  // In a sticky folder such as /tmp, others cannot rename what is root's.
  if ((mode & OTHERS_MAY_WRITE) !== 0 && (mode & STICKY) === 0)
    throw new Error(`others than root may write to ${path}`);
}
