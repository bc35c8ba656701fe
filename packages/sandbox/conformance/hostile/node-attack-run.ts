// An embedding program under attack: puts a taken-over sandbox host behind a wall of this machine and prints, as JSON,
// what came of each attack. Run by the tests as root and as an ordinary user.
//
//   node node-attack-run.ts basic|full ENTRY SEARCHPATH RUNTIMEFOLDER
import { once } from "node:events";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, ListenOptions, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { machineWalls } from "../../src/walls/node-machine-walls.ts";
import { spawnDescribed } from "../../src/walls/node-spawn.ts";
import type { SpawnedHost } from "../../src/walls/node-spawn.ts";
import type { Wall } from "../../src/walls/wall.ts";
import type { AttackReport, AttackRequest, AttackResult } from "./attack-result.ts";
import type { Target } from "./os-attack.ts";
import { OS_ATTACKS } from "./os-attacks.ts";

const ATTACK_MS = 15_000;
const [which = "", entry = "", searchPath = "", runtimeFolder = ""] = process.argv.slice(2);

class Attacker {
  readonly #host: SpawnedHost;
  #answer: (line: string | undefined) => void = () => undefined;
  readonly ended: Promise<string>;

  constructor(wall: Wall) {
    this.#host = spawnDescribed(wall.describe());
    this.#host.stderr.resume();
    this.#host.pipe.on("error", () => undefined); // Its exit is the news.
    createInterface({ input: this.#host.pipe }).on("line", (line) => this.#answer(line));
    this.ended = once(this.#host.child, "exit").then(([code, signal]) => `it ended with ${String(signal ?? code)}`);
    void this.ended.then(() => this.#answer(undefined));
  }

  hear(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ATTACK_MS);
      this.#answer = (line) => {
        clearTimeout(timer);
        resolve(line);
      };
    });
  }

  ask(request: AttackRequest): Promise<string | undefined> {
    this.#host.pipe.write(`${JSON.stringify(request)}\n`);
    return this.hear();
  }

  async end(): Promise<string> {
    this.#host.child.kill("SIGKILL");
    return this.ended;
  }
}

async function attackAll(wall: Wall, target: Target): Promise<AttackResult[]> {
  const results: AttackResult[] = [];
  let attacker: Attacker | undefined;
  for (const { name, run, behind, willing = [] } of OS_ATTACKS) {
    if (behind[wall.strength] === undefined) continue;
    if (attacker === undefined) {
      attacker = new Attacker(wall);
      if ((await attacker.hear()) !== "ready") throw new Error(`the attacker did not start: ${await attacker.end()}`);
    }
    const line = await attacker.ask({ run, target });
    if (line === undefined) {
      results.push({ name, outcome: "ended", said: await attacker.end() });
      attacker = undefined;
      continue;
    }
    const { outcome, said } = JSON.parse(line) as AttackResult;
    results.push({ name, outcome: willing.includes(said) ? "works" : outcome, said });
  }
  await attacker?.end();
  return results;
}

const listening = async (server: Server, where: ListenOptions): Promise<Server> => {
  server.listen(where);
  await once(server, "listening");
  return server;
};

async function withTarget<T>(work: (target: Target) => Promise<T>): Promise<T> {
  const privateFolder = await mkdtemp(join(tmpdir(), "berth-target-"));
  const secretFile = join(privateFolder, "secret");
  await writeFile(secretFile, "a secret of the user", { mode: 0o600 });
  const unixPath = join(privateFolder, "socket");
  const abstractName = `berth-target-${process.pid}`;
  const greet = (): Server => createServer((socket) => socket.on("error", () => undefined).end());
  const tcp = await listening(greet(), { port: 0, host: "127.0.0.1" });
  const unix = await listening(greet(), { path: unixPath });
  const abstract = await listening(greet(), { path: `\0${abstractName}` });
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  const neighbour = spawn(process.execPath, ["-e", "setTimeout(() => 0, 120_000)"], {
    env: { SECRET: "of another process" },
    stdio: "ignore",
  });
  try {
    await once(neighbour, "spawn");
    return await work({
      secretFile,
      privateFolder,
      parent: process.pid,
      neighbour: neighbour.pid ?? 0,
      tcpPort: (tcp.address() as AddressInfo).port,
      udpPort: udp.address().port,
      unixPath,
      abstractName,
    });
  } finally {
    neighbour.kill("SIGKILL");
    for (const server of [tcp, unix, abstract, udp]) server.close();
    await rm(privateFolder, { recursive: true });
  }
}

const engine = { name: "attacker", runtimes: [], levels: [], entry, files: [], nodeFlags: [] };
const walls = await machineWalls(engine, { searchPath, runtimeFolder });
const offer = which === "full" ? walls.full : walls.basic;
const report: AttackReport =
  offer.kind === "missing"
    ? { kind: "missing", why: offer.missing.why }
    : {
        kind: "attacked",
        wall: offer.wall.name,
        strength: offer.wall.strength,
        results: await withTarget((target) => attackAll(offer.wall, target)),
      };
process.stdout.write(JSON.stringify(report));
