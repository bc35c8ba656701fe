import { sanitize } from "@berth/base";
import { isDangerous } from "@berth/spec";
import type { Permission } from "@berth/spec";

/** Permissions through which data gets out of this machine. */
const isExit = ({ name }: Permission): boolean => name === "network_restricted" || name === "network_unrestricted";

/**
 * What a person should know before agreeing to all of these together: each may be harmless alone. One sentence
 * each, the gravest first; empty when nothing stands out.
 */
export function explainRisks(permissions: readonly Permission[]): string[] {
  const warnings: string[] = [];
  const exits = permissions.filter(isExit);
  const isOpen = exits.some(({ name }) => name === "network_unrestricted");
  const where = isOpen ? "any host on the internet" : hostsOf(exits);
  for (const permission of permissions) {
    if (exits.length === 0) break;
    if (permission.name === "user_data_access") {
      if (!permission.verbs.includes("read")) continue;
      const entities = permission.entities.map((each) => sanitize(each, 60)).join(", ");
      const to = shortList(permission.mayLeaveTo);
      // What is read is labelled: the other hosts that it talks to do not get it.
      warnings.push(
        permission.mayLeaveTo.length === 0
          ? `It can read your ${entities} and talk to ${where}: this host keeps what it has read from being sent there.`
          : `It can read your ${entities} and send them to ${to}: check that you want that data to get there.`,
      );
    } else if (permission.name === "secrets_access" && permission.reveal) {
      warnings.push(`It sees secrets in clear text and talks to ${where}: it could send them there.`);
    } else if (permission.name === "file_system_read") {
      warnings.push(`It can read files of this machine and talk to ${where}: it could send them there.`);
    }
  }
  const runs = permissions.some(({ name }) => name === "system_exec");
  if (runs && permissions.some(({ name }) => name === "file_system_write"))
    warnings.push("It can write files and run programs: what it writes may be what is run.");
  if (runs && exits.length > 0)
    warnings.push(`It can run programs and talk to ${where}: it may run what it is told from there.`);
  const dangerous = [...new Set(permissions.filter(isDangerous).map(({ name }) => name))];
  if (dangerous.length > 0)
    warnings.push(`It asks for ${dangerous.join(", ")}, which can harm beyond the plugin's own data.`);
  return warnings;
}

function hostsOf(exits: readonly Permission[]): string {
  return shortList(exits.flatMap((each) => (each.name === "network_restricted" ? each.hosts : [])));
}

function shortList(hosts: readonly string[]): string {
  const shown = hosts.slice(0, 4).join(", ");
  return hosts.length > 4 ? `${shown} and ${hosts.length - 4} more hosts` : shown;
}
