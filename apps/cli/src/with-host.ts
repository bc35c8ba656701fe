import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { quote, sanitize } from "@berth/base";
import { openHost, parsePolicy } from "@berth/host";
import type {
  AlertRule,
  DevelopmentFolder,
  Host,
  HostEvent,
  PermissionAnswer,
  PermissionQuestion,
  PolicyInput,
} from "@berth/host";
import type { SecurityLevel } from "@berth/spec";

import type { Invocation } from "./command.ts";
import { CliError } from "./errors.ts";
import { engines } from "./engines.ts";
import { localAccess } from "./host-access.ts";
import type { HostAccess } from "./host-access.ts";
import { readDeploymentKeys } from "./deployment-key.ts";
import { readHostFile } from "./host-file.ts";
import type { RemoteHost } from "./remote-host.ts";
import type { Terminal } from "./terminal.ts";

/** How one command departs from the host's defaults. */
export interface HostSettings {
  /** Run every plugin at this level at least. */
  readonly level?: SecurityLevel | undefined;
  readonly developmentFolders?: readonly DevelopmentFolder[];
  readonly pluginFolders?: readonly string[];
  readonly onEvent?: (event: HostEvent) => void;
  readonly alerts?: readonly AlertRule[];
}

/** By a rule beside the others: a policy that says strict keeps every call fresh at any level. */
const raise = (policy: PolicyInput, level: SecurityLevel): PolicyInput => ({
  ...policy,
  level: policy.level ?? "minimal",
  rules: [...(policy.rules ?? []), { plugins: ["*"], level }],
});

/** Opens the host of the data directory in this process. Whoever opened it closes it. */
export async function openLocalHost(
  invocation: Invocation,
  { level, ...settings }: HostSettings = {},
): Promise<Host<string>> {
  const { dataDir, terminal } = invocation;
  const policy = await readPolicy(join(dataDir, "policy.json"));
  return openHost<string>({
    ...settings,
    dataDir,
    engines: engines(),
    policy: level === undefined ? policy : raise(policy, level),
    ...(terminal.isInteractive && { askPermission: (question) => askPerson(terminal, question) }),
    deploymentKeys: () => readDeploymentKeys(invocation),
    partitionOf: (user) => user,
    // Each line says whose it is: a line break in a plugin's text must not make a line that is nobody's.
    onLog: ({ pluginId, level: logLevel, text }) => {
      for (const line of text.split("\n")) terminal.say(`[${pluginId}] ${logLevel}: ${line}`);
    },
  });
}

/**
 * Works on the host of the data directory for one command: the one that runs there, else one that is opened
 * here and closed however the command ends.
 *
 * @throws CliError CLI_HOST_RUNS when the running host would have to be another one; HostError
 */
export async function withHost<Result>(
  invocation: Invocation,
  work: (host: HostAccess) => Promise<Result>,
  settings: HostSettings = {},
): Promise<Result> {
  const running = await connect(invocation.dataDir);
  if (running !== undefined) {
    try {
      if (settings.level !== undefined)
        throw new CliError("CLI_HOST_RUNS", "the level of the running host cannot be changed for one command");
      return await work(running.access());
    } finally {
      running[Symbol.dispose]();
    }
  }
  const host = await openLocalHost(invocation, settings);
  try {
    return await work(localAccess(host));
  } finally {
    await host.close();
  }
}

/** Works on the host that another process runs on the data directory; `undefined` when there is none. */
export async function withRunningHost<Result>(
  { dataDir }: Invocation,
  work: (host: HostAccess) => Promise<Result>,
): Promise<Result | undefined> {
  using running = await connect(dataDir);
  return running && (await work(running.access()));
}

async function connect(dataDir: string): Promise<RemoteHost | undefined> {
  const file = await readHostFile(dataDir);
  if (file === undefined) return undefined;
  const { RemoteHost: Remote } = await import("./remote-host.ts");
  return Remote.connect(file);
}

/** The operator's policy, when there is one. One that cannot be read stops everything: without it too much would be allowed. */
async function readPolicy(file: string): Promise<PolicyInput> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw new CliError("CLI_FILE_UNREADABLE", `the policy ${quote(file, 200)} cannot be read (${code ?? "unknown"})`, {
      cause: error,
    });
  }
  return parsePolicy(bytes);
}

async function askPerson(terminal: Terminal, question: PermissionQuestion): Promise<PermissionAnswer> {
  const { displayName, pluginId, action, text, reason } = question;
  terminal.say(`${sanitize(displayName)} (${pluginId}) needs a permission for ${action}:`);
  terminal.say(`  ${text}`);
  terminal.say(`  because: "${sanitize(reason, 300)}"`);
  return (await terminal.confirm("Allow it this time?")) ? "once" : "never";
}
