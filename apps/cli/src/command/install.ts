import type { GraphProgress } from "@berth/host";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import type { PendingInstall } from "../host-access.ts";
import { consentByOptions, consentByPerson } from "../install-consent.ts";
import { readLockfile, readLockfileIfThere } from "../lockfile.ts";
import { tryParsePluginSpec } from "../plugin-spec.ts";
import { showProgress } from "../progress.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "find or read plugins, show what they ask for, and install them with your consent",
  usage: "ID[@RANGE]|FILE … [--yes --grant [ID:]NAME … --trust KEYID …] | --frozen",
  options: {
    yes: {
      type: "boolean",
      help: "do not ask; only what --grant, --trust, --confirm and --allow-downgrade name is agreed to",
    },
    grant: {
      type: "string",
      multiple: true,
      value: "[ID:]NAME",
      help: "a permission that you agree to, for the one plugin asked for or for the named one",
    },
    trust: {
      type: "string",
      multiple: true,
      value: "KEYID",
      help: "the key of a new publisher, as its full key id or fingerprint; PUBLISHER:KEYID where it is two publishers'",
    },
    confirm: { type: "string", multiple: true, value: "ID", help: "a plugin whose scan you have read and accept" },
    "allow-downgrade": { type: "boolean", help: "agree to lower versions than those installed" },
    lockfile: {
      type: "string",
      value: "FILE",
      help: "prefer the releases of this lockfile (else berth.lock, if there)",
    },
    frozen: { type: "boolean", help: "install exactly what the lockfile holds, or nothing" },
  },
  async run(invocation) {
    const { args, isSet, text } = invocation;
    const isFrozen = isSet("frozen");
    if (isFrozen === args.length > 0)
      throw new CliError("CLI_USAGE", "expected plugins as ID[@RANGE] or package files, or --frozen and none");
    const lock = isFrozen ? await readLockfile(text("lockfile")) : await readLockfileIfThere(text("lockfile"));
    const request = { ...(await readArguments(args)), ...(lock !== undefined && { lock }), isFrozen };
    return withHost(invocation, async (host) => {
      const progress = showProgress(invocation.terminal);
      const stop = new AbortController();
      const onInterrupt = (): void => stop.abort(new CliError("CLI_DECLINED", "nothing was installed"));
      process.once("SIGINT", onInterrupt);
      let pending: PendingInstall;
      try {
        pending = await host.planGraph({ ...request, signal: stop.signal, onProgress: (step) => show(step, progress) });
      } finally {
        progress.end();
        process.off("SIGINT", onInterrupt);
      }
      const consent = isSet("yes")
        ? consentByOptions(invocation, pending.plan)
        : await consentByPerson(invocation, pending.plan);
      const summaries = await pending.install(consent);
      const unneeded = (await host.graph()).filter((node) => node.isUnneeded).map(({ id }) => id);
      return report(pending.plan, summaries, unneeded);
    });
  },
};

interface Asked {
  readonly plugins: Readonly<Record<string, string>>;
  readonly packages: readonly Uint8Array[];
}

/** An argument that reads as ID[@RANGE] is one; everything else is a file. */
async function readArguments(args: readonly string[]): Promise<Asked> {
  const plugins = new Map<string, string>();
  const packages: Uint8Array[] = [];
  for (const arg of args) {
    const spec = tryParsePluginSpec(arg);
    if (spec === undefined) packages.push(await readInput(arg));
    else if (plugins.has(spec.id)) throw new CliError("CLI_USAGE", `${spec.id} is asked for twice`);
    else plugins.set(spec.id, spec.range);
  }
  return { plugins: Object.fromEntries(plugins), packages };
}

function show(progress: GraphProgress, bar: ReturnType<typeof showProgress>): void {
  if (progress.step === "resolving") bar.update("resolving: release lists read", progress.lists, undefined);
  else bar.update(`downloading ${progress.packages} packages`, progress.doneBytes, progress.totalBytes);
}

function report(
  { members, newlyAsked }: PendingInstall["plan"],
  summaries: Awaited<ReturnType<PendingInstall["install"]>>,
  unneeded: readonly string[],
): { json: unknown; text: string } {
  const installed = members.map((member) => {
    const { id, version } = member.manifest;
    const summary = summaries.find((each) => each.id === id);
    return {
      id,
      version,
      level: member.level,
      actions: summary?.actions ?? [],
      replaced: member.replaces ?? null,
      keyId: member.signer.keyId,
      contentDigest: member.contentDigest,
      registry: member.registry ?? null,
      isAsked: member.askedRange !== undefined,
    };
  });
  const asked = installed.filter(({ isAsked }) => isAsked);
  const lines = installed.flatMap(({ id, version, replaced, actions, isAsked }) => [
    `installed ${id} ${version}${replaced === null ? "" : ` (replacing ${replaced})`}`,
    ...(isAsked ? [`  actions: ${actions.join(", ")}`] : []),
  ]);
  for (const id of Object.keys(newlyAsked)) lines.push(`${id} was installed already and is now kept for its own sake`);
  if (unneeded.length > 0) lines.push(`nobody needs any more: ${unneeded.join(", ")} (berth uninstall --unneeded)`);
  return {
    // For one plugin, what was asked for stands at the top; the rest came along.
    json: { ok: true, ...(asked.length === 1 && asked[0]), installed, newlyAsked, unneeded },
    text: lines.join("\n"),
  };
}
