import { join } from "node:path";

import { readPackage } from "@berth/archive";
import { sanitize } from "@berth/base";
import { formatBytes, packageFileName } from "@berth/spec";
import type { ScanResult } from "@berth/spec";

import type { Command } from "../command.ts";
import { onlyArgument, writeWhole } from "../files.ts";
import { packPluginFolder, readPluginFolder, writePluginTypes } from "../plugin-folder.ts";

/** What a registry or a host would find in the package; warns, and refuses nothing. */
async function scanPacked(id: string, bytes: Uint8Array): Promise<ScanResult> {
  const { ScanPool } = await import("@berth/scanner");
  await using pool = new ScanPool(1);
  const files = Array.from(readPackage(bytes).files, ([path, file]) => ({ path, bytes: file.bytes }));
  const result = await pool.scanPackage(id, files);
  // What the code merely uses is no warning.
  return { ...result, findings: result.findings.filter(({ severity }) => severity !== "info") };
}

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
    const { score, verdict, findings } = await scanPacked(id, bytes);
    const file = text("out") ?? join(".", packageFileName(id, version));
    await writeWhole(file, bytes);
    return {
      json: {
        ok: true,
        file,
        id,
        version,
        contentDigest,
        sizeBytes: bytes.length,
        scan: { score, verdict, findings: findings.length },
      },
      text: [
        `packed ${id} ${version} into ${file}`,
        `  size     ${formatBytes(bytes.length)} (code ${formatBytes(bundleBytes)})`,
        `  content  ${contentDigest}`,
        `  scan     ${verdict}, ${score} of 100`,
        ...findings.map(
          ({ severity, file: at, line, message }) => `  warning  ${severity}: ${sanitize(at, 300)}:${line} ${message}`,
        ),
        ...(verdict === "clean" ? [] : [`  Registries and hosts will see this too: berth scan ${file} tells more.`]),
        `next: berth sign ${file}`,
      ].join("\n"),
    };
  },
};
