// Installs one release and ends; the parent kills it at a random moment.
import { readFileSync } from "node:fs";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const [dataDir = "", file = ""] = process.argv.slice(2);
const host = await openHost({ dataDir, engines: [isolate()] });
process.stdout.write("open\n");
const plan = await host.plan(readFileSync(file));
await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
process.stdout.write("installed\n");
await host.close();
