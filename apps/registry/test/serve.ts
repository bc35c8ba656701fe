// A registry in a process of its own, for tests that kill it: prints its URL and token as one line of JSON.
import { start } from "@berth/registry";

import { QUICK } from "./fixture.ts";

const [dataDir = "", database = "sqlite"] = process.argv.slice(2);
const { url, operatorToken } = await start({ ...QUICK, dataDir, database });
process.stdout.write(`${JSON.stringify({ url, operatorToken })}\n`);
