import { parseAst } from "rolldown/parseAst";

import { chainOf, constantOf, isNode, memberOf, nameOfIdentifier, visit } from "./syntax.ts";
import type { Constant, Node } from "./syntax.ts";

/** One use of a service of the context. */
export interface ContextUse {
  /** `fetch`, `files.read`, `user.data.get` … */
  readonly method: string;
  readonly file: string;
  readonly offset: number;
  /** The first argument, as far as it is known before the program runs. */
  readonly argument: Constant | undefined;
  /** The action that `plugins.call` names, as far as it is known. */
  readonly action: Constant | undefined;
  /** `method` of the options of `fetch`; GET when there are none; `undefined` when it cannot be told. */
  readonly httpMethod: string | undefined;
  /** Whether the options of `files.write` may ask to create; also where that cannot be told. */
  readonly mayCreate: boolean;
  /** The command of `exec.run`, when all of it is known before the program runs. */
  readonly command: readonly string[] | undefined;
  /** Whether the options of `exec.run` may ask to write; also where that cannot be told. */
  readonly mayWrite: boolean;
}

/** What one source file does with the context, and what it imports. */
export interface SourceUses {
  readonly uses: readonly ContextUse[];
  /** Relative specifiers. */
  readonly imports: readonly string[];
  /** The context is handed to what was not looked at: it may use anything. */
  readonly isOpen: boolean;
}

/** Services that need a permission, and how their methods are told apart. */
const SERVICES: ReadonlyMap<string, readonly string[]> = new Map([
  ["fetch", []],
  ["files", ["read", "list", "write", "makeFolder", "delete"]],
  ["secrets", ["reveal"]],
  ["exec", ["run"]],
  ["events", ["publish"]],
  ["plugins", ["call"]],
  ["user.data", ["get", "list", "create", "update", "delete"]],
]);

/**
 * Finds the uses of the context in a source file. What counts as the context: parameters called `ctx` or
 * `context` or typed as one, the second parameter of a handler, and what these are taken apart into.
 *
 * @throws what the parser throws for text that is no program
 */
export function contextUsesOf(file: string, text: string): SourceUses {
  const program = parseAst(text, { lang: /\.[cm]?tsx?$/.test(file) ? "tsx" : "jsx" }, file) as unknown as Node;
  const contexts = new Set<string>();
  const services = new Map<string, string>();
  const foreign = new Set<string>();
  const imports: string[] = [];
  const constants = new Map<string, Constant>();
  const lists = new Map<string, readonly string[]>();
  const functions: { readonly node: Node; readonly isHandler: boolean }[] = [];
  visit(program, (node) => {
    if (node.type === "Property" && isFunction(node["value"]))
      functions.push({ node: node["value"] as Node, isHandler: true });
    else if (isFunction(node)) functions.push({ node, isHandler: false });
    else if (
      node.type === "ImportDeclaration" ||
      node.type === "ExportNamedDeclaration" ||
      node.type === "ExportAllDeclaration"
    )
      noteImport(node, imports, foreign);
    else if (node.type === "VariableDeclaration" && node["kind"] === "const") noteConstants(node, constants, lists);
  });
  for (const { node, isHandler } of functions) {
    for (const [index, parameter] of (node["params"] as readonly Node[]).entries())
      noteParameter(parameter, isHandler && index === 1, text, contexts, services);
  }
  visit(program, (node) => {
    if (node.type !== "VariableDeclarator") return;
    const chain = chainOf(node["init"]);
    if (chain === undefined || !contexts.has(chain[0] ?? "")) return;
    const name = nameOfIdentifier(node["id"]);
    if (name === undefined) noteTakenApart(node["id"], services, chain.slice(1));
    else if (chain.length > 1) services.set(name, chain.slice(1).join("."));
  });
  const uses: ContextUse[] = [];
  let isOpen = false;
  visit(program, (node) => {
    if (node.type === "MemberExpression" && contexts.has(nameOfIdentifier(node["object"]) ?? ""))
      isOpen ||= node["computed"] === true;
    if (node.type !== "CallExpression") return;
    const args = node["arguments"] as readonly Node[];
    const chain = chainOf(node["callee"]) ?? [];
    if (foreign.has(chain[0] ?? "") && args.some((each) => contexts.has(nameOfIdentifier(each) ?? ""))) isOpen = true;
    const method = methodOf(chain, contexts, services);
    if (method === undefined) return;
    uses.push({
      method,
      file,
      offset: node.start,
      argument: constantOf(args[0], constants),
      action: method === "plugins.call" ? constantOf(args[1], constants) : undefined,
      httpMethod: method === "fetch" ? httpMethodOf(args[1], constants) : undefined,
      mayCreate: method === "files.makeFolder" || (method === "files.write" && maySay("create", args[2])),
      command: method === "exec.run" ? listOf(args[0], constants, lists) : undefined,
      mayWrite: method === "exec.run" && maySay("write", args[1]),
    });
  });
  return { uses, imports, isOpen };
}

const isFunction = (node: unknown): boolean =>
  isNode(node) && /Function/.test(node.type) && Array.isArray(node["params"]);

function noteImport(node: Node, imports: string[], foreign: Set<string>): void {
  const specifier = constantOf(node["source"], new Map())?.text;
  if (specifier === undefined || node["importKind"] === "type") return;
  if (specifier.startsWith(".")) imports.push(specifier);
  else if (specifier !== "@berth/sdk")
    for (const each of (node["specifiers"] ?? []) as readonly Node[])
      foreign.add(nameOfIdentifier(each["local"]) ?? "");
}

function noteConstants(node: Node, constants: Map<string, Constant>, lists: Map<string, readonly string[]>): void {
  for (const { id, init } of node["declarations"] as readonly { id: unknown; init: unknown }[]) {
    const name = nameOfIdentifier(id);
    const constant = constantOf(init, constants);
    if (name !== undefined && constant !== undefined) constants.set(name, constant);
    const list = listOf(init, constants, lists);
    if (name !== undefined && list !== undefined) lists.set(name, list);
  }
}

function noteParameter(
  parameter: Node,
  isSecondOfHandler: boolean,
  text: string,
  contexts: Set<string>,
  services: Map<string, string>,
): void {
  const name = nameOfIdentifier(parameter);
  const type = parameter["typeAnnotation"];
  const isTyped = isNode(type) && /\bContext\b/.test(text.slice(type.start, type.end));
  if (name !== undefined && (isSecondOfHandler || isTyped || name === "ctx" || name === "context")) contexts.add(name);
  else if (isSecondOfHandler || isTyped) noteTakenApart(parameter, services);
}

/** `{ fetch, files: disk }` of a context, or `{ data }` of its `user`. */
function noteTakenApart(pattern: unknown, services: Map<string, string>, above: readonly string[] = []): void {
  if (!isNode(pattern) || pattern.type !== "ObjectPattern") return;
  for (const property of pattern["properties"] as readonly Node[]) {
    const service = nameOfIdentifier(property["key"]);
    const name = nameOfIdentifier(property["value"]);
    if (service !== undefined && name !== undefined) services.set(name, [...above, service].join("."));
  }
}

function methodOf(
  [root = "", ...members]: readonly string[],
  contexts: ReadonlySet<string>,
  services: ReadonlyMap<string, string>,
): string | undefined {
  const full = contexts.has(root) ? members : services.has(root) ? [services.get(root) ?? "", ...members] : [];
  const path = full.join(".");
  if (SERVICES.get(path)?.length === 0) return path;
  const at = path.lastIndexOf(".");
  return SERVICES.get(path.slice(0, at))?.includes(path.slice(at + 1)) === true ? path : undefined;
}

function httpMethodOf(options: unknown, constants: ReadonlyMap<string, Constant>): string | undefined {
  if (options === undefined) return "GET";
  if (!isNode(options) || options.type !== "ObjectExpression") return undefined;
  const isSpread = (options["properties"] as readonly Node[]).some(({ type }) => type !== "Property");
  const method = memberOf(options, "method");
  if (method === undefined) return isSpread ? undefined : "GET";
  const constant = constantOf(method, constants);
  return constant?.isWhole === true ? constant.text : undefined;
}

/** Whether options may hold a switch that is on. */
function maySay(name: string, options: unknown): boolean {
  if (options === undefined) return false;
  const value = memberOf(options, name);
  if (value !== undefined) return !(isNode(value) && value.type === "Literal" && value["value"] === false);
  if (!isNode(options) || options.type !== "ObjectExpression") return true;
  return (options["properties"] as readonly Node[]).some(({ type }) => type !== "Property");
}

/** A list of texts that is written out, or the name of one. */
function listOf(
  node: unknown,
  constants: ReadonlyMap<string, Constant>,
  lists: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression")
    return listOf(node["expression"], constants, lists);
  if (node.type === "Identifier") return lists.get(String(node["name"]));
  if (node.type !== "ArrayExpression") return undefined;
  const items = (node["elements"] as readonly unknown[]).map((each) => constantOf(each, constants));
  return items.every((each) => each?.isWhole === true) ? items.map((each) => each?.text ?? "") : undefined;
}
