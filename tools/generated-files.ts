import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { policyJsonSchema } from "@berth/host";
import { configSchema, variableOf } from "@berth/registry";
import { manifestJsonSchema } from "@berth/spec";

import { checkErrorPages, errorPages } from "./error-docs.ts";
import { MANIFEST_CHECKS_FILE, manifestChecksSource } from "./manifest-checks.ts";
import { checkSurfaces } from "./public-surface.ts";
import { RULE_IDS_FILE, SCANNER_GUIDE, ruleIdsSource, scannerGuide } from "./scanner-docs.ts";
import { settingsPage } from "./settings-page.ts";
import { listPackages, root } from "./workspace.ts";

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** File and text of everything that is generated from the sources; public surfaces need the compiler first. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const files = await errorPages();
  files.set("packages/spec/manifest.schema.json", json(manifestJsonSchema()));
  files.set("packages/host/policy.schema.json", json(policyJsonSchema()));
  files.set("tsconfig.json", json({ files: [], references: listPackages().map(({ path }) => ({ path })) }));
  files.set("docs/registry-settings.md", settingsPage(configSchema, configSchema.parse({ dataDir: "." }), variableOf));
  files.set(SCANNER_GUIDE, scannerGuide());
  files.set(RULE_IDS_FILE, ruleIdsSource());
  files.set(MANIFEST_CHECKS_FILE, manifestChecksSource());
  return files;
}

/** Generated files that are not up to date. Run the compiler first: public surfaces are compared with dist. */
export async function checkGenerated(): Promise<string[]> {
  const found = await checkErrorPages();
  for (const [file, text] of await generatedFiles()) {
    if (file.startsWith("docs/errors/")) continue;
    if (!existsSync(join(root, file)) || readFileSync(join(root, file), "utf8") !== text)
      found.push(`${file} is out of date; run npm run generate`);
  }
  return [...found, ...checkSurfaces()];
}
