import { access, readFile } from "node:fs/promises";
import { release } from "node:os";

import type { MachineFacts } from "./machine-facts.ts";

const CONTAINER_MARKS = ["/.dockerenv", "/run/.containerenv", "/run/secrets/kubernetes.io"];

/** Reads what the machine says; changes and starts nothing. */
export async function readMachineFacts(): Promise<MachineFacts> {
  const setting = async (name: string): Promise<number | undefined> => {
    const text = await read(`/proc/sys/${name}`);
    return text === undefined ? undefined : Number(text);
  };
  const [, mode = "0"] = /^Seccomp:\s+(\d)$/m.exec((await read("/proc/self/status")) ?? "") ?? [];
  const [major = 0, minor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return {
    platform: process.platform,
    arch: process.arch,
    maxUserNamespaces: await setting("user/max_user_namespaces"),
    unprivilegedUserNamespaces: await setting("kernel/unprivileged_userns_clone"),
    appArmorRestrictsUserNamespaces: await setting("kernel/apparmor_restrict_unprivileged_userns"),
    isFiltered: mode === "2",
    containerMark: await firstThatExists(CONTAINER_MARKS),
    kernel: [major, minor],
  };
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

async function read(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined); // No such setting on this machine.
}
