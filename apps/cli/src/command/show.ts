import { quote, sanitize } from "@berth/base";
import { parsePluginId } from "@berth/spec";
import { formatFingerprint } from "@berth/trust";
import { ClientError } from "@berth/client";

import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { registryOptions, withRegistry } from "../registry-access.ts";

export const command: Command = {
  summary: "show what a registry says of a plugin",
  usage: "ID [--readme]",
  options: { ...registryOptions, readme: { type: "boolean", help: "print its readme too" } },
  async run(invocation) {
    const id = onlyArgument(invocation.args, "a plugin's id");
    parsePluginId(id);
    return withRegistry(invocation, async ({ url, api }) => {
      const plugin = await api.plugin(id);
      if (plugin === undefined)
        throw new ClientError("CLIENT_PLUGIN_UNKNOWN", `${url.href} has no plugin ${quote(id)}`);
      const readme = invocation.isSet("readme") ? await api.readme(id) : undefined;
      const { pricing, versions, publisher, deprecated, scan } = plugin;
      const price =
        pricing.price === undefined ? "" : ` ${pricing.price.amountMinor} ${sanitize(pricing.price.currency)}`;
      const keys = publisher.keys.filter(({ retiredAt }) => retiredAt === undefined);
      const lines = [
        `${sanitize(plugin.displayName, 80)}  ${id} ${plugin.version}`,
        `  ${sanitize(plugin.description, 400)}`,
        ...(deprecated === undefined
          ? []
          : [
              `  deprecated   ${sanitize(deprecated.message, 300)}${deprecated.replacement === undefined ? "" : ` Use ${deprecated.replacement}.`}`,
            ]),
        `  published    ${plugin.publishedAt}, ${plugin.downloads} downloads`,
        `  license      ${sanitize(plugin.license, 100)}, ${pricing.model}${price}`,
        `  level        ${plugin.level}`,
        `  permissions  ${plugin.permissions.join(", ") || "none"}`,
        ...(scan === undefined ? [] : [`  scan         ${scan.verdict}, ${scan.score} of 100`]),
        ...keys.map(({ keyId }) => `  key          ${formatFingerprint(keyId)}`),
        `  versions     ${versions.slice(0, 10).join(", ")}${versions.length > 10 ? ` and ${versions.length - 10} more` : ""}`,
        // Line breaks of the readme are indented, so that none of its lines can pass for one of ours.
        ...(readme === undefined ? [] : ["", ...readme.split("\n").map((line) => `    ${line}`)]),
      ];
      return {
        json: { ok: true, registry: url.href, ...plugin, ...(readme !== undefined && { readme }) },
        text: lines.join("\n"),
      };
    });
  },
};
