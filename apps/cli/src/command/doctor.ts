import { access } from "node:fs/promises";

import { isCodedError } from "@berth/base";
import { Supervisor, machineWalls, programWall } from "@berth/sandbox";
import type { EngineDescriptor, ProgramWallOffer, WallOffer } from "@berth/sandbox";
import { DEFAULT_LIMITS } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { Command } from "../command.ts";
import { engines } from "../engines.ts";
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

/** Those that cannot run here; the others go on. */
const missingEngines = (): Check[] =>
  engines().flatMap(({ name, missing }) =>
    missing === undefined
      ? []
      : [
          {
            name: `engine ${name}`,
            ok: false,
            found: `it lacks ${missing.what}: ${missing.why}`,
            remedy: missing.remedy,
          },
        ],
  );

/** The first engine for JavaScript that can run here: what is checked below is the same for all. */
const anyEngine = (): EngineDescriptor => {
  const scripts = engines().filter(({ runtimes }) => runtimes.includes("javascript"));
  return (scripts.find(({ missing }) => missing === undefined) ?? scripts[0]) as EngineDescriptor;
};

async function checkRuntimeFile(): Promise<Check> {
  const { entry } = anyEngine();
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

/** The real path: a process, an engine in it, a plugin, one call. */
async function checkSandbox(): Promise<Check> {
  const supervisor = new Supervisor();
  const engine = anyEngine();
  const startedAt = performance.now();
  try {
    const compartment = supervisor.open({
      plugin: "doctor",
      packKey: "doctor",
      engine,
      level: engine.levels.includes("standard") ? "standard" : "strict",
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
    const hint = isCodedError(error) ? error.hint : undefined;
    return {
      name: "sandbox",
      ok: false,
      found: error instanceof Error ? error.message : "failed",
      ...(hint !== undefined && { remedy: hint }),
    };
  } finally {
    supervisor.close();
  }
}

/** What this machine puts around a sandbox host at some levels, or around a command that a plugin runs. */
interface WallReport {
  readonly what: string;
  /** As in `--json`. */
  readonly levels: string;
  readonly offer: WallOffer | ProgramWallOffer;
}

/** Each wall was tried by starting something in it. */
async function checkWalls(): Promise<WallReport[]> {
  const { basic, full } = await machineWalls(anyEngine());
  return [
    { what: "walls for minimal", levels: "minimal", offer: basic },
    { what: "walls for standard, strict, isolated", levels: "standard, strict, isolated", offer: full },
    { what: "wall for commands of plugins", levels: "commands", offer: await programWall() },
  ];
}

const BUBBLEWRAP = { name: "bubblewrap", strength: "full" } as const;

/**
 * A missing wall is no fault: standard and strict run reduced, isolated says itself that it cannot, and commands are
 * refused.
 */
function describeWall({ what, offer }: WallReport): string {
  if (offer.kind === "offered") {
    const { name, strength } = "name" in offer.wall ? offer.wall : BUBBLEWRAP;
    return `ok   ${what}: ${name} (${strength})`;
  }
  const { what: lacking, why, remedy } = offer.missing;
  return `note ${what}: no ${lacking}: ${why}\n       ${remedy}`;
}

function wallJson({ levels, offer }: WallReport): object {
  if (offer.kind === "missing") return { levels, ok: false, ...offer.missing };
  const { name, strength } = "name" in offer.wall ? offer.wall : BUBBLEWRAP;
  return { levels, ok: true, name, strength };
}

export const command: Command = {
  summary: "check what this machine offers",
  usage: "",
  async run(invocation) {
    const checks: Check[] = [checkNode(), ...missingEngines(), await checkRuntimeFile(), await checkSandbox()];
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
