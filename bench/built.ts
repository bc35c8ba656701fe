import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");

/**
 * Compiles the packages and gives the arguments under which Node takes them from their `dist` folders: what somebody
 * has who installed them. From the sources every process, and each of its threads, also holds Node's own compiler for
 * types, some 25 to 40 MB that no user has.
 *
 * @throws Error when the sources do not compile
 */
export function builtPackages(): string[] {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
  return ["--import", pathToFileURL(join(import.meta.dirname, "host/built-packages.mjs")).href];
}
