// Publishes durable events until it is killed, and says of each when it was promised.
import { writeSync } from "node:fs";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const [dataDir = "", start = "0"] = process.argv.slice(2);
const host = await openHost<string>({ dataDir, engines: [isolate()] });
for (let count = Number(start); ; count += 1) {
  await host.call("acme.pub", "publish", ["kept", count, {}]);
  writeSync(1, `${count}\n`);
}
