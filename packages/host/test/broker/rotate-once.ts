// Exchanges the key of the secrets and ends; the parent kills it at a random moment.
import { readFileSync } from "node:fs";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const [dataDir = "", operatorKeyFile = ""] = process.argv.slice(2);
const host = await openHost({ dataDir, engines: [isolate()], spares: 0 });
process.stdout.write("open\n");
await host.rotateSecrets(operatorKeyFile === "" ? {} : { operatorKey: readFileSync(operatorKeyFile, "utf8") });
process.stdout.write("rotated\n");
await host.close();
