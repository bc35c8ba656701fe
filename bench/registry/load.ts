// Sends one request many times from a process of its own, so that its cost is not the server's.
//   node load.ts URL COUNT CONNECTIONS [HEADERS-AS-JSON]
import { Agent, request } from "node:http";

const [url = "", count = "0", connections = "1", headers = "{}"] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const sent = { ...(JSON.parse(headers) as Record<string, string>) };
const statuses: Record<number, number> = {};
let bytes = 0;

const once = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, { agent, headers: sent }, (answer) => {
      statuses[answer.statusCode ?? 0] = (statuses[answer.statusCode ?? 0] ?? 0) + 1;
      answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
      answer.on("end", () => resolve(performance.now() - startedAt));
      answer.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });

const times: number[] = [];
let left = Number(count);
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    while (left > 0) {
      left -= 1;
      times.push(await once());
    }
  }),
);
process.stdout.write(JSON.stringify({ times, statuses, bytes }));
// Nothing else keeps the process alive; leaving by force could cut what was written.
agent.destroy();
