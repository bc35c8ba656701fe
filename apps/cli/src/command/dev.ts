import { sanitize } from "@berth/base";
import type { Plan } from "@berth/host";
import { formatPermission } from "@berth/spec";

import type { Command, Invocation } from "../command.ts";
import { DevelopmentSession } from "../development-session.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput, resolveFolder } from "../files.ts";
import { removeHostFile, writeHostFile } from "../host-file.ts";
import { developmentDataDir } from "../runs.ts";
import { untilStopped } from "../until-stopped.ts";

export const command: Command = {
  summary: "build a plugin's folder, run it unsigned in its sandbox, and again whenever it changes",
  usage: "DIR [--grant NAME …] [--call ACTION [--input FILE]] [--once]",
  options: {
    grant: { type: "string", multiple: true, value: "NAME", help: "a permission to try it with" },
    call: { type: "string", value: "ACTION", help: "run this action after each load and show what it answers" },
    input: { type: "string", value: "FILE", help: "JSON for --call; read anew each time; left out means {}" },
    once: { type: "boolean", help: "build, load and call once, then end" },
  },
  async run(invocation) {
    const { args, isSet, text, list } = invocation;
    const folder = resolveFolder(onlyArgument(args, "a plugin's folder"), "a plugin's folder");
    const action = text("call");
    const input = text("input");
    if (input !== undefined && action === undefined) throw new CliError("CLI_USAGE", "expected --call with --input");
    // Apart from what is installed for real: an author's experiments get neither its data nor its lock.
    const dataDir = developmentDataDir(invocation.dataDir);
    const isOnce = isSet("once");
    const session = await DevelopmentSession.open({
      invocation: { ...invocation, dataDir },
      folder,
      isWatched: !isOnce,
      consent: (plan) => consentTo(plan, list("grant"), invocation),
      call: action === undefined ? undefined : { action, input: () => readCallInput(input) },
    });
    try {
      const run = await session.takeUp(isOnce);
      if (isOnce) {
        const { id, version, contentDigest } = session.found;
        await session.close();
        return {
          json: { ok: true, id, version, contentDigest, ...(run !== undefined && { output: run.output }) },
          text: `${id} ${version} builds and loads${run === undefined ? "" : `; ${action} answered:\n${run.text}`}`,
        };
      }
      const { startHostServer } = await import("@berth/host-http");
      const server = await startHostServer(session.host, { port: 0 });
      await writeHostFile(dataDir, { pid: process.pid, url: server.url, token: server.token });
      const { id, version } = session.found;
      return {
        json: { ok: true, id, version, dataDir, url: server.url, pid: process.pid },
        text: [
          `watching ${folder}; Ctrl-C ends it`,
          `  from another terminal: berth run ${id ?? "ID"} ACTION --input - --data-dir ${dataDir}`,
        ].join("\n"),
        async keepRunning() {
          await untilStopped();
          await removeHostFile(dataDir);
          await server.close();
          await session.close();
        },
      };
    } catch (error) {
      await session.close();
      throw error;
    }
  },
};

const readCallInput = (file: string | undefined): Promise<Uint8Array> =>
  file === undefined ? Promise.resolve(new TextEncoder().encode("{}")) : readInput(file);

/** Whoever names the folder agrees to run it; permissions are agreed to by name, or by a person. */
async function consentTo(
  plan: Plan,
  named: readonly string[],
  { terminal }: Invocation,
): Promise<{ grant: Plan["permissions"][number]["permission"][]; unsigned: string }> {
  const open = plan.permissions.filter(({ isGranted }) => !isGranted);
  const grant = open.filter(({ permission }) => named.includes(permission.name)).map(({ permission }) => permission);
  const missing = open.filter(({ isOptional, permission }) => !isOptional && !named.includes(permission.name));
  if (missing.length > 0) {
    const lines = missing.map(({ permission, text }) => `  - ${permission.name}: ${text}`);
    if (!terminal.isInteractive) {
      throw new CliError("CLI_CONSENT_NEEDED", `${plan.manifest.id} asks for rights:\n${lines.join("\n")}`, {
        hint: `To agree: ${missing.map(({ permission }) => `--grant ${permission.name}`).join(" ")}`,
        details: { permissions: missing.map(({ permission }) => sanitize(formatPermission(permission), 300)) },
      });
    }
    terminal.say(`${plan.manifest.id} asks for:\n${lines.join("\n")}`);
    if (!(await terminal.confirm("Agree?"))) throw new CliError("CLI_DECLINED", "nothing was changed");
    grant.push(...missing.map(({ permission }) => permission));
  }
  return { grant, unsigned: plan.contentDigest };
}
