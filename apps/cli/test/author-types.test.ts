import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthIn } from "./berth.ts";

const { folder, ok } = berthIn("berth types-");
const compiler = join(import.meta.dirname, "../../../node_modules/.bin/tsc");

/** What the compiler says of the new plugin with one more file. */
function check(code: string): string {
  const file = join(folder, "hello/src/more.ts");
  writeFileSync(
    file,
    `import type { Context } from "@berth/sdk";\nexport async function more(ctx: Context): Promise<unknown> { ${code} }\n`,
  );
  const { stdout } = spawnSync(compiler, ["-p", "hello"], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  rmSync(file);
  return stdout;
}

test("an author's compiler knows the globals that plugins have, and no others", () => {
  ok(["create", "hello", "--publisher", "you"]);
  const used = check(`
    const url = new URL("/a", "https://example.org"); url.searchParams.set("q", "1"); url.hash = "x";
    const params = new URLSearchParams({ a: "b" }); for (const [name, value] of params) console.log(name, value);
    const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(1_000)]); signal.addEventListener("abort", ({ target }) => void target.reason);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(atob(btoa("x")))));
    queueMicrotask(() => {}); const timer = setTimeout(() => {}, 1); clearTimeout(timer);
    const text = new TextDecoder().decode(crypto.getRandomValues(new Uint8Array(4)), { stream: true });
    return [url.href, URL.canParse("x"), structuredClone({ digest }), crypto.randomUUID(), performance.now(), text, new AbortController().signal.aborted];`);
  assert.equal(used, "");
  const unknown = [
    "fetch('x')",
    "process.exit()",
    "Buffer.from('')",
    "localStorage",
    "new Worker('x')",
    "URL.createObjectURL(null)",
  ];
  for (const code of unknown) assert.match(check(`${code};`), /error TS/, code);
});
