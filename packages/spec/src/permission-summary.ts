import { quote, sanitize } from "@berth/base";

import type { Permission } from "./permission.ts";

/** Longest text of one item that a manifest may hold, with room for escapes. */
const MAX_ITEM_LENGTH = 8_192;

/** A plain word as it is; anything else in quotes, so that two items never look like one, nor one like two. */
const word = (item: string | number): string =>
  /^[\w./:*=@{}-]+$/.test(String(item)) ? String(item) : quote(String(item), MAX_ITEM_LENGTH);

/** All of them, whole: an item left out or cut short would be agreed to without having been shown. */
const list = (items: readonly (string | number)[]): string => items.map(word).join(", ");

/** Members of a service's narrowing: `(publish: orders.new, orders.paid; perHour: 60)`. */
const explainNarrowing = (narrowing: object): string => {
  const members = Object.entries(narrowing).map(([name, value]) => {
    const shown = Array.isArray(value) ? list(value as string[]) || "none" : String(value);
    return `${name}: ${shown}`;
  });
  return `(${members.join("; ")})`;
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
 * are sanitized, so that they cannot rewrite the terminal or hide a part of the question; nothing of what
 * is asked for is left out, however long the sentence becomes.
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
    case "system_exec": {
      const { commands, workingDirectory, write, environment, timeMs } = permission;
      const given = environment.length > 0 ? `, given the environment variables ${list(environment)}` : "";
      return `DANGEROUS: run programs on this machine that may read${write ? ", change and delete" : ""} everything in ${list([workingDirectory])}${given}, up to ${timeMs / 1_000} s each: ${commands.map(({ run }) => run.map(word).join(" ")).join("; ")}.`;
    }
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
      return `Use services of this platform: ${used.map(([service, narrowing]) => `${service} ${explainNarrowing(narrowing as object)}`).join("; ")}.`;
    }
  }
}
