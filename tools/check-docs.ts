// Links and anchors of every Markdown file lead somewhere, and every file has one title.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { listFiles, root } from "./workspace.ts";

const withoutCode = (text: string): string =>
  text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, "").replaceAll(/`[^`\n]*`/g, "code");

const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#+ +(.+)$/gm)].map(([, title = ""]) =>
      title
        .trim()
        .toLowerCase()
        .replaceAll(/[`*]/g, "")
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    ),
  );

/** Broken links and missing titles, one line each. */
export function checkDocs(from = root): string[] {
  return listFiles("", ".md", from).flatMap((file) => {
    const source = readFileSync(join(from, file), "utf8");
    const text = withoutCode(source);
    const found: string[] = [];
    const titles = text.match(/^# /gm)?.length ?? 0;
    if (titles !== 1) found.push(`${file}: expected one title, found ${titles}`);
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file2 = path === "" ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(from, file2))) found.push(`${file}: ${target} leads nowhere`);
      else if (anchor !== undefined && !anchorsOf(readFileSync(join(from, file2), "utf8")).has(anchor))
        found.push(`${file}: ${target} names no heading`);
    }
    return found;
  });
}
