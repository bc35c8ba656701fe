import { readFileSync, readdirSync } from "node:fs";

import { heldIn } from "../node-process-usage.ts";

/**
 * Bytes that a process and everything below it hold. Of the first process of a namespace that is the whole namespace:
 * what loses its parent there becomes its child. What ends meanwhile counts for nothing.
 */
export function treeBytes(root: number): number {
  let bytes = 0;
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    bytes += heldIn(read(`/proc/${pid}/status`));
    for (const thread of threadsOf(pid))
      pending.push(...(read(`/proc/${pid}/task/${thread}/children`).match(/\d+/g) ?? []).map(Number));
  }
  return bytes;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // It has ended.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // It has ended.
  }
}
