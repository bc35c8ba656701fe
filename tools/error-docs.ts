// The pages of docs/errors, one for each code, from the tables in the packages.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { CodedError, exitCodeOf } from "@berth/base";
import type { ErrorRow, ErrorTable } from "@berth/base";

import { listPackages, root } from "./workspace.ts";

interface Code extends ErrorRow {
  readonly code: string;
  readonly packageName: string;
}

/** Every code of every package, in alphabetical order. */
async function readCodes(): Promise<Code[]> {
  const codes: Code[] = [];
  for (const { path, name } of listPackages()) {
    const file = join(root, path, "src/errors.ts");
    if (!existsSync(file)) continue;
    const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    const tables = Object.entries(exported).filter(([key]) => key.endsWith("Errors"));
    for (const [, table] of tables) {
      for (const [code, row] of Object.entries(table as ErrorTable)) codes.push({ ...row, code, packageName: name });
    }
  }
  return codes.toSorted((a, b) => (a.code < b.code ? -1 : 1));
}

function formatPage(row: Code): string {
  const { code, kind, meaning, cause, remedy, packageName } = row;
  const exitCode = exitCodeOf(new CodedError({ [code]: row }, code, meaning));
  return [
    `# ${code}`,
    "",
    meaning,
    "",
    `**Cause.** ${cause}`,
    "",
    `**Way out.** ${remedy}`,
    "",
    `Kind \`${kind}\` (exit code ${exitCode}), from \`@berth/${packageName}\`.`,
    "",
  ].join("\n");
}

function formatIndex(codes: readonly Code[]): string {
  const rows = codes.map(({ code, kind, meaning }) => `| [${code}](${code}.md) | ${kind} | ${meaning} |`);
  return [
    "# Error codes",
    "",
    "Codes are API: never reused, never renamed.",
    "",
    "| Code | Kind | Meaning |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** File name and text of every page. */
export async function errorPages(): Promise<Map<string, string>> {
  const codes = await readCodes();
  const pages = new Map(codes.map((code) => [`docs/errors/${code.code}.md`, formatPage(code)]));
  if (pages.size !== codes.length) throw new Error("a code stands in two tables");
  pages.set("docs/errors/README.md", formatIndex(codes));
  return pages;
}

/** Pages that are missing, different or left over. */
export async function checkErrorPages(): Promise<string[]> {
  const pages = await errorPages();
  const found = [...pages]
    .filter(([file, text]) => !existsSync(join(root, file)) || readFileSync(join(root, file), "utf8") !== text)
    .map(([file]) => `${file} is not what the tables say; run npm run generate`);
  for (const name of existsSync(join(root, "docs/errors")) ? readdirSync(join(root, "docs/errors")) : []) {
    if (!pages.has(`docs/errors/${name}`)) found.push(`docs/errors/${name} belongs to no code`);
  }
  return found;
}
