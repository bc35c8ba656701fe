import type { Plugin } from "./berth.gen.js";
import { headingsOf, nodesOf, parse } from "./document.ts";
import type { Heading } from "./document.ts";

type Actions = Plugin["actions"]["insert_contents"];

const START = /^\s*<!--\s*toc\s*-->\s*$/i;
const END = /^\s*<!--\s*\/toc\s*-->\s*$/i;

/** Writes a table of contents between its two comments, or below the title where there are none. */
export function insertContents({ markdown, depth = 3 }: Actions["input"]): Actions["output"] {
  const root = parse(markdown);
  const lineBreak = markdown.includes("\r\n") ? "\r\n" : "\n";
  const lines = markdown.split(/\r?\n/);
  const comments = [...nodesOf(root)].filter((node) => node.type === "html");
  const start = comments.find(({ value }) => START.test(value))?.position?.start.line;
  const end = comments.find(
    ({ value, position }) => END.test(value) && (position?.start.line ?? 0) > (start ?? Infinity),
  )?.position?.start.line;
  const headings = headingsOf(root).filter(({ level }) => level > 1 && level <= depth);
  const entries = ["<!-- toc -->", "", ...headings.map(entryOf), "", "<!-- /toc -->"];
  if (start !== undefined && end !== undefined) lines.splice(start - 1, end - start + 1, ...entries);
  else {
    const title = root.children[0];
    const below = title?.type === "heading" && title.depth === 1 ? (title.position?.end.line ?? 0) : 0;
    lines.splice(below, 0, ...(below === 0 ? [] : [""]), ...entries, ...(below === 0 ? [""] : []));
  }
  return { markdown: lines.join(lineBreak), entries: headings.length };
}

const entryOf = ({ level, text, slug }: Heading): string =>
  `${"  ".repeat(level - 2)}- [${text.replaceAll(/[\\[\]<>`*_]/g, String.raw`\$&`)}](#${encodeURI(slug)})`;
