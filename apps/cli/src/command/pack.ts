import { join } from "node:path";

import { formatBytes, packageFileName } from "@berth/spec";

import type { Command } from "../command.ts";
import { onlyArgument, writeWhole } from "../files.ts";
import { packPluginFolder, readPluginFolder, writePluginTypes } from "../plugin-folder.ts";

export const command: Command = {
  summary: "turn a plugin's folder into a package, not yet signed",
  usage: "DIR [--out FILE]",
  options: {
    out: { type: "string", value: "FILE", help: "where to write the package (else publisher.name-version.berth here)" },
  },
  async run({ args, text }) {
    const folder = await readPluginFolder(onlyArgument(args, "a plugin's folder"));
    await writePluginTypes(folder);
    const { bytes, contentDigest, bundleBytes } = await packPluginFolder(folder);
    const { id, version } = folder.manifest;
    const file = text("out") ?? join(".", packageFileName(id, version));
    await writeWhole(file, bytes);
    return {
      json: { ok: true, file, id, version, contentDigest, sizeBytes: bytes.length },
      text: [
        `packed ${id} ${version} into ${file}`,
        `  size     ${formatBytes(bytes.length)} (code ${formatBytes(bundleBytes)})`,
        `  content  ${contentDigest}`,
        `next: berth sign ${file}`,
      ].join("\n"),
    };
  },
};
