import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { manifestJsonSchema } from "@berth/spec";

import { checkErrorPages, errorPages } from "./error-docs.ts";
import { listPackages, root } from "./workspace.ts";

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** File and text of everything that is generated and kept in the repository. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = await errorPages();
  files.set("packages/spec/manifest.schema.json", json(manifestJsonSchema()));
  files.set("tsconfig.json", json({ files: [], references: listPackages().map(({ path }) => ({ path })) }));
  return files;
}

/** Generated files that are not up to date. */
export async function checkGenerated(): Promise<string[]> {
  const found = await checkErrorPages();
  for (const [file, text] of await generatedFiles()) {
    if (file.startsWith("docs/errors/")) continue;
    if (!existsSync(join(root, file)) || readFileSync(join(root, file), "utf8") !== text)
      found.push(`${file} is out of date; run npm run generate`);
  }
  return found;
}
