// Berth's registry in a process of its own, for benchmarks: prints its URL and token as one line of JSON.
import { start } from "@berth/registry";

const NO_LIMIT = 10_000_000;
const { url, operatorToken } = await start({
  dataDir: process.argv[2] ?? "",
  port: 0,
  logLevel: "error",
  readsPerMinute: NO_LIMIT,
  searchesPerMinute: NO_LIMIT,
  writesPerMinute: NO_LIMIT,
});
process.stdout.write(`${JSON.stringify({ url, operatorToken })}\n`);
