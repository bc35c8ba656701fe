import { access } from "node:fs/promises";

import { isolate } from "@berth/engine-isolate";
import { Supervisor } from "@berth/sandbox";
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
      packKey: "doctor",
      engine: isolate(),
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
    lines.push(
      "note operating-system walls are not built yet: plugins run in processes of their own, as the user who started the host",
    );
    return { json: { ok, checks, walls: [] }, text: lines.join("\n"), exitCode: ok ? 0 : 6 };
  },
};
