// So many bare isolates with the guest library in them, in one process: what each of them weighs.
import { readFileSync } from "node:fs";

import ivm from "isolated-vm";

const [file = "", count = "0"] = process.argv.slice(2);
const library = `(() => { "use strict"; ${readFileSync(file, "utf8")}\nreturn berthGuest.boot; })()`;
const kept: ivm.Isolate[] = [];

function open(): void {
  const raw = new ivm.Isolate({ memoryLimit: 72 });
  const boot = raw.compileScriptSync(library).runSync(raw.createContextSync(), { reference: true });
  boot.applySync(undefined, [new ivm.Callback(() => undefined, { sync: true })], { result: { reference: true } });
  kept.push(raw);
}

const rss = (): number => process.memoryUsage().rss / 1e6;
open();
const before = rss();
while (kept.length < Number(count)) open();
process.stdout.write(`${JSON.stringify({ eachMB: (rss() - before) / (kept.length - 1) })}\n`);
process.exit(0);
