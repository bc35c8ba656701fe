import { access } from "node:fs/promises";

import { isolate } from "@berth/engine-isolate";
import { Supervisor, machineWalls } from "@berth/sandbox";
import type { WallOffer } from "@berth/sandbox";
import { DEFAULT_LIMITS } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { Command } from "../command.ts";
import { withHost } from "../with-host.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string;
}

const PROBE = "var berthPlugin = { actions: { echo: (value) => value } };";

function checkNode(): Check {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    name: "node",
    ok: major >= 24,
    found: process.version,
    ...(major < 24 && { remedy: "Berth needs Node 24 or newer." }),
  };
}

async function checkRuntimeFile(): Promise<Check> {
  const { entry } = isolate();
  const isThere = await access(entry).then(
    () => true,
    () => false,
  );
  return {
    name: "sandbox-host file",
    ok: isThere,
    found: isThere ? "built" : "missing",
    ...(!isThere && { remedy: "npm run setup" }),
  };
}

/** The real path: a process, an isolate, a plugin, one call. */
async function checkSandbox(): Promise<Check> {
  const supervisor = new Supervisor();
  const startedAt = performance.now();
  try {
    const compartment = supervisor.open({
      plugin: "doctor",
      packKey: "doctor",
      engine: isolate(),
      level: "standard",
      code: new TextEncoder().encode(PROBE),
      sourceName: "probe.js",
      limits: DEFAULT_LIMITS,
      onRequest: () => Promise.resolve(null),
      onLog: () => undefined,
    });
    const answer = await compartment.call({
      action: "echo",
      input: encodeValue("ready"),
      caller: undefined,
      about: "{}",
    });
    const ok = decodeValue(answer) === "ready";
    return {
      name: "sandbox",
      ok,
      found: `a plugin answered ${Math.round(performance.now() - startedAt)} ms after the start of its process`,
    };
  } catch (error) {
    return {
      name: "sandbox",
      ok: false,
      found: error instanceof Error ? error.message : "failed",
      remedy: "isolated-vm has prebuilt binaries for Linux, macOS (arm64) and Windows (x64).",
    };
  } finally {
    supervisor.close();
  }
}

/** What this machine puts around a sandbox host at some levels. */
interface WallReport {
  readonly levels: string;
  readonly offer: WallOffer;
}

/** Each wall was tried by starting a sandbox host in it. */
async function checkWalls(): Promise<WallReport[]> {
  const { basic, full } = await machineWalls(isolate());
  return [
    { levels: "minimal", offer: basic },
    { levels: "standard, strict, isolated", offer: full },
  ];
}

/** A missing full wall is no fault: standard and strict run reduced, and isolated says itself that it cannot. */
function describeWall({ levels, offer }: WallReport): string {
  if (offer.kind === "offered") return `ok   walls for ${levels}: ${offer.wall.name} (${offer.wall.strength})`;
  const { what, why, remedy } = offer.missing;
  return `note walls for ${levels}: no ${what}: ${why}\n       ${remedy}`;
}

const wallJson = ({ levels, offer }: WallReport): object =>
  offer.kind === "offered"
    ? { levels, ok: true, name: offer.wall.name, strength: offer.wall.strength }
    : { levels, ok: false, ...offer.missing };

export const command: Command = {
  summary: "check what this machine offers",
  usage: "",
  async run(invocation) {
    const checks: Check[] = [checkNode(), await checkRuntimeFile(), await checkSandbox()];
    try {
      await withHost(invocation, (host) => host.list());
      checks.push({ name: "data directory", ok: true, found: invocation.dataDir });
    } catch (error) {
      checks.push({ name: "data directory", ok: false, found: error instanceof Error ? error.message : "unusable" });
    }
    const ok = checks.every((check) => check.ok);
    const lines = checks.map(
      (check) =>
        `${check.ok ? "ok  " : "BAD "} ${check.name}: ${check.found}${check.remedy === undefined ? "" : `\n       ${check.remedy}`}`,
    );
    const walls = await checkWalls();
    lines.push(...walls.map(describeWall));
    return { json: { ok, checks, walls: walls.map(wallJson) }, text: lines.join("\n"), exitCode: ok ? 0 : 6 };
  },
};
