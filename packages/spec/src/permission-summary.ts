import { sanitize } from "@berth/base";

import type { Permission } from "./permission.ts";

const list = (items: readonly (string | number)[]): string => {
  const shown = items.slice(0, 6).map((item) => sanitize(String(item), 100));
  const rest = items.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
};

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes for people: `10 MiB`. */
export function formatBytes(count: number): string {
  let amount = count;
  let unit = 0;
  while (amount >= 1_024 && unit < UNITS.length - 1) {
    amount /= 1_024;
    unit += 1;
  }
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * What a permission allows, in one plain sentence for the person who is asked. Texts from the manifest
 * are sanitized, so that they cannot rewrite the terminal or hide a part of the question.
 */
export function explainPermission(permission: Permission): string {
  switch (permission.name) {
    case "file_system_read":
      return `Read files in ${list(permission.roots)} (${list(permission.globs)}), up to ${formatBytes(permission.maxBytes)} each.`;
    case "file_system_write": {
      const verbs = ["change", permission.create && "create", permission.delete && "delete"].filter(Boolean).join(", ");
      return `DANGEROUS: ${verbs} files in ${list(permission.roots)} (${list(permission.globs)}), up to ${formatBytes(permission.quotaBytes)}.`;
    }
    case "network_restricted": {
      const secrets = permission.secretHeaders.map(({ secret }) => secret);
      const using = secrets.length > 0 ? `, with your secrets ${list(secrets)} in its headers` : "";
      return `Talk to ${list(permission.hosts)} (ports ${list(permission.ports)}; ${list(permission.methods)}), up to ${formatBytes(permission.bytesPerDay)} a day${using}.`;
    }
    case "network_unrestricted":
      return `DANGEROUS: talk to any host on the internet, up to ${formatBytes(permission.bytesPerDay)} a day.`;
    case "system_exec":
      return `DANGEROUS: run programs on this machine in ${list([permission.workingDirectory])}: ${list(permission.commands.map(({ run }) => run.join(" ")))}.`;
    case "user_data_access": {
      const leaves =
        permission.mayLeaveTo.length > 0
          ? `; may send it to ${list(permission.mayLeaveTo)}`
          : "; it may not leave this host";
      return `${list(permission.verbs)} your ${list(permission.entities)} (fields ${list(permission.fields)}) for: ${sanitize(permission.purpose)}${leaves}.`;
    }
    case "secrets_access":
      return permission.reveal
        ? `DANGEROUS: see the secrets ${list(permission.names)} in clear text.`
        : `Use the secrets ${list(permission.names)} without seeing them.`;
    case "platform_services": {
      const { name: _name, ...services } = permission;
      const used = Object.entries(services).filter(([, narrowing]) => narrowing !== undefined);
      return `Use services of this platform: ${used.map(([service, narrowing]) => `${service} ${sanitize(JSON.stringify(narrowing), 160)}`).join("; ")}.`;
    }
  }
}
