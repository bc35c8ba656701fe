// Asks an app at a steady rate over a few connections that stay open. Each line it reads is
// `{ port, perSecond, ms }`, each line it writes the times of all requests, ms.
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const CONNECTIONS = 8;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function ask(port, seed) {
  const askedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path: `/work/${seed}`, agent }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode !== 200) reject(new Error(`the app answered ${response.statusCode}`));
        else resolve(performance.now() - askedAt);
      });
    });
    request.once("error", reject);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { port, perSecond, ms } = JSON.parse(line);
  const asked = [];
  const startedAt = performance.now();
  for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - startedAt) {
    // As many as are due by now, whatever became of those before: a slow app gets no rest.
    while (asked.length < (elapsed / 1_000) * perSecond) asked.push(ask(port, asked.length % 997));
    await sleep(1);
  }
  process.stdout.write(`${JSON.stringify(await Promise.all(asked))}\n`);
}
agent.destroy();
