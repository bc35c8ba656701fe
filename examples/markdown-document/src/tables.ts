import type { Table } from "mdast";
import { toString as textOf } from "mdast-util-to-string";

import type { Plugin } from "./berth.gen.js";
import { lineOf, nodesOf, parse } from "./document.ts";

type Tables = Plugin["actions"]["tables"]["output"];

/** The document's tables as rows of texts. */
export function tables(markdown: string): Tables {
  const found: Tables["tables"] = [];
  for (const node of nodesOf(parse(markdown))) if (node.type === "table") found.push(read(node));
  return { tables: found };
}

function read(table: Table): Tables["tables"][number] {
  const [head, ...body] = table.children.map((row) => row.children.map((cell) => textOf(cell)));
  const columns: string[] = [];
  for (const [index, title] of (head ?? []).entries()) {
    const wanted = title === "" ? `column ${index + 1}` : title;
    let name = wanted;
    for (let count = 2; columns.includes(name); count += 1) name = `${wanted} ${count}`;
    columns.push(name);
  }
  const rows = body.map((cells) => Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? ""])));
  return { line: lineOf(table), columns, rows };
}
