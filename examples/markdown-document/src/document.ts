import GithubSlugger from "github-slugger";
import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { toString as textOf } from "mdast-util-to-string";
import { gfm } from "micromark-extension-gfm";

/** A heading with the anchor that GitHub gives it. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly slug: string;
  /** From 1. */
  readonly line: number;
}

/** Parses GitHub's Markdown. */
export function parse(markdown: string): Root {
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
}

/** The line on which a node starts. */
export function lineOf(node: Nodes): number {
  return node.position?.start.line ?? 1;
}

/** Every node in document order. A list of open nodes instead of recursion: documents may nest deeply. */
export function* nodesOf(root: Root): Generator<Nodes> {
  const open: Nodes[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node;
    if ("children" in node)
      for (let at = node.children.length - 1; at >= 0; at -= 1) open.push(node.children[at] as Nodes);
  }
}

/** The document's headings, repeated ones with the number that GitHub puts behind their anchor. */
export function headingsOf(root: Root): Heading[] {
  const slugger = new GithubSlugger();
  const headings: Heading[] = [];
  for (const node of nodesOf(root)) {
    if (node.type !== "heading") continue;
    const text = textOf(node);
    headings.push({ level: node.depth, text, slug: slugger.slug(text), line: lineOf(node) });
  }
  return headings;
}
