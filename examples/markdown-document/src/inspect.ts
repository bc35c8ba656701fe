import type { Definition, Nodes } from "mdast";
import { toString as textOf } from "mdast-util-to-string";

import type { Plugin } from "./berth.gen.js";
import { headingsOf, lineOf, nodesOf, parse } from "./document.ts";
import type { Heading } from "./document.ts";

type Report = Plugin["actions"]["inspect"]["output"];
type Problem = Report["problems"][number];
type Link = Report["links"][number];

/** Adults read about so many words of English prose a minute (Brysbaert 2019, 238). */
const WORDS_PER_MINUTE = 238;
const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;

/** Counts, links, and what is wrong with a document. */
export function inspect(markdown: string): Report {
  const root = parse(markdown);
  const headings = headingsOf(root);
  const definitions = new Map<string, Definition>();
  for (const node of nodesOf(root)) if (node.type === "definition") definitions.set(node.identifier, node);
  const links: Link[] = [];
  const problems = headingProblems(headings);
  let words = 0;
  let codeBlocks = 0;
  let images = 0;
  for (const node of nodesOf(root)) {
    if (node.type === "text") words += node.value.match(WORD)?.length ?? 0;
    else if (node.type === "code") codeBlocks += 1;
    else if (node.type === "image" || node.type === "imageReference") {
      images += 1;
      if ((node.alt ?? "").trim() === "") {
        problems.push({ line: lineOf(node), rule: "missing-alt", message: "a picture has no description" });
      }
    } else if (node.type === "link" || node.type === "linkReference") {
      const url = node.type === "link" ? node.url : (definitions.get(node.identifier)?.url ?? "");
      links.push({ line: lineOf(node), kind: kindOf(url), url, text: textOf(node) });
      problems.push(...linkProblems(node, url, headings));
    }
  }
  return {
    words,
    readingMinutes: Math.ceil(words / WORDS_PER_MINUTE),
    codeBlocks,
    images,
    links,
    problems: problems.toSorted((a, b) => a.line - b.line),
  };
}

function kindOf(url: string): Link["kind"] {
  if (url.startsWith("#")) return "anchor";
  if (/^https?:\/\//i.test(url) || url.startsWith("//")) return "web";
  if (/^mailto:/i.test(url)) return "mail";
  return /^[a-z][a-z0-9+.-]*:/i.test(url) ? "other" : "relative";
}

function headingProblems(headings: readonly Heading[]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  if (headings[0]?.level !== 1) {
    problems.push({
      line: headings[0]?.line ?? 1,
      rule: "no-title",
      message: "the document does not begin with a title (#)",
    });
  }
  let before: Heading | undefined;
  for (const heading of headings) {
    if (before !== undefined && heading.level > before.level + 1) {
      const message = `a heading of level ${heading.level} follows one of level ${before.level}`;
      problems.push({ line: heading.line, rule: "heading-jump", message });
    }
    const first = seen.get(heading.text);
    if (first === undefined) seen.set(heading.text, heading.line);
    else {
      const message = `the heading stands on line ${first} already, so its anchor is #${heading.slug}`;
      problems.push({ line: heading.line, rule: "duplicate-heading", message: message.slice(0, 400) });
    }
    before = heading;
  }
  return problems;
}

function linkProblems(node: Nodes, url: string, headings: readonly Heading[]): Problem[] {
  const line = lineOf(node);
  if (url === "") return [{ line, rule: "empty-link", message: "a link leads nowhere" }];
  if (!url.startsWith("#") || url === "#" || url === "#top") return [];
  const anchor = decoded(url.slice(1));
  if (headings.some(({ slug }) => slug === anchor)) return [];
  return [{ line, rule: "broken-anchor", message: `no heading has the anchor #${anchor.slice(0, 200)}` }];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A stray % is part of the name.
  }
}
