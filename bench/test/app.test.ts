import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";

import { openLinePipe } from "../line-pipe.ts";

const folder = join(import.meta.dirname, "../app");

test("the app answers every request of the load, and tells how late its event loop was", async (t) => {
  const app = openLinePipe([join(folder, "app-process.mjs"), "bare"]);
  t.after(() => app.end());
  const load = openLinePipe([join(folder, "load-process.mjs")]);
  t.after(() => load.end());
  const { port, plugins } = JSON.parse(await app.listen()) as { port: number; plugins: number };
  assert.equal(plugins, 0);
  assert.equal(await app.ask("watch"), "true");
  const asked = JSON.stringify({ port, perSecond: 100, ms: 200 });
  const times = JSON.parse(await load.ask(asked)) as number[];
  assert.ok(times.length > 0 && times.length <= 21, `${times.length} requests`);
  assert.ok(times.every((ms) => ms > 0));
  const { maxMs, p999Ms } = JSON.parse(await app.ask("seen")) as { maxMs: number; p999Ms: number };
  assert.ok(maxMs > 0 && p999Ms > 0);
});
