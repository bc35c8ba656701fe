// Every test that a page names exists: a quoted title stands in one of the files that its line names.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { listFiles, root } from "./workspace.ts";

const PAGES = ["docs/threat-model.md", "docs/guide/levels.md"];
const AREAS = ["apps", "engines", "packages"];
/** A part of a title around "…" that is shorter says nothing. */
const MIN_PART = 6;

/** Titles that no file of their line holds, and files that there are not, one line each. */
export function checkClaims(from = root, pages = PAGES): string[] {
  const files = AREAS.flatMap((area) => listFiles(area, ".ts", from)).filter((file) =>
    /\/(?:test|conformance)\//.test(file),
  );
  const texts = new Map<string, string>();
  const textOf = (file: string): string => {
    const text = texts.get(file) ?? readFileSync(join(from, file), "utf8");
    texts.set(file, text);
    return text;
  };
  const claimsOf = (page: string): string[] =>
    readFileSync(join(from, page), "utf8")
      .split("\n")
      .flatMap((line, index) => {
        const place = `${page}:${index + 1}`;
        const named = [...line.matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = ""]) => name);
        const tests = named.flatMap((name) =>
          files.filter((file) => (name.includes("/") ? file === name : basename(file) === name)),
        );
        const titles = [...line.matchAll(/"([^"]+)"/g)]
          .map(([, title = ""]) => title)
          .filter((title) => title.includes(" "));
        const missing = titles.filter((title) => !tests.some((file) => holds(textOf(file), title)));
        return missing.map((title) =>
          tests.length === 0
            ? `${place}: "${title}" stands on a line that names no file of tests`
            : `${place}: no test "${title}" in ${tests.join(", ")}`,
        );
      });
  return pages.flatMap(claimsOf);
}

/** Titles are texts of the source, some of them made from parts; "…" stands for what is put in. */
function holds(text: string, title: string): boolean {
  const parts = title.split("…").map((part) => part.trim());
  if (parts.length === 1 && parts[0] !== undefined) return text.includes(parts[0]);
  const telling = parts.filter((part) => part.length >= MIN_PART);
  return telling.length > 0 && telling.every((part) => text.includes(part));
}
