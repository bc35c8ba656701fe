// One declaration file that the compiler wrote: what it declares, imports, exports and refers to.
import { readFileSync } from "node:fs";

import { Visitor, parseSync } from "oxc-parser";
import type { Class, ClassElement, Expression, Node, Span, TSTypeName, TSTypeQueryExprName } from "oxc-parser";

/** A name of another module; `*` is the whole of it. */
export interface ImportedName {
  readonly from: string;
  readonly name: string;
}

export interface ExportedName {
  /** Absent when this module declares the name itself. */
  readonly from?: string;
  readonly name: string;
  /** By `export type`: a class cannot be constructed through it. */
  readonly isTypeOnly: boolean;
}

export interface Declaration {
  readonly text: string;
  /** Whether it stands for something at run time, not only for a type. */
  readonly isValue: boolean;
  /** Names of this module, and of others by `import("…")`, that the text holds. */
  readonly references: readonly (string | ImportedName)[];
}

export interface DeclarationFile {
  /** A function has one declaration for each overload; a name may be a type and a value at once. */
  readonly declarations: ReadonlyMap<string, readonly Declaration[]>;
  readonly imports: ReadonlyMap<string, ImportedName>;
  readonly exports: ReadonlyMap<string, ExportedName>;
  /** Modules of `export * from`. */
  readonly stars: readonly string[];
  /** Declarations that add to another module or to the globals: they reach users without being imported. */
  readonly additions: readonly string[];
}

interface Reference extends Span {
  readonly to: string | ImportedName;
}

const isWithin = (inner: Span, outer: Span): boolean => inner.start >= outer.start && inner.end <= outer.end;

/** What a user of the class cannot name. That the constructor is private says how the class is used, so it stays. */
function isHidden(member: ClassElement): boolean {
  if (!("key" in member)) return false;
  if (member.key.type === "PrivateIdentifier") return true;
  if (member.type === "MethodDefinition" && member.kind === "constructor") return false;
  return "accessibility" in member && (member.accessibility === "private" || member.accessibility === "protected");
}

/** Text of a span without the given parts; a part that has lines to itself takes them with it. */
function textWithout(source: string, { start, end }: Span, parts: readonly Span[]): string {
  let text = "";
  let at = start;
  for (const part of parts.toSorted((a, b) => a.start - b.start)) {
    // A docstring of a member that is gone already.
    if (part.start < at || part.end > end) continue;
    const before = source.slice(at, part.start);
    const isAlone = /\n[ \t]*$/.test(before) && source.startsWith("\n", part.end);
    text += isAlone ? before.replace(/\n[ \t]*$/, "") : before;
    at = part.end;
  }
  return text + source.slice(at, end);
}

/** Every name of a type that the file refers to, and where. */
function referencesOf(visit: (visitor: Visitor) => void): Reference[] {
  const found: Reference[] = [];
  const add = (name: TSTypeName | TSTypeQueryExprName | Expression): void => {
    let first: Node = name;
    while (first.type === "TSQualifiedName" || first.type === "MemberExpression")
      first = first.type === "TSQualifiedName" ? first.left : first.object;
    if (first.type === "Identifier") found.push({ start: first.start, end: first.end, to: first.name });
  };
  const addKey = (node: { readonly computed: boolean; readonly key: Node }): void => {
    if (node.computed && node.key.type === "Identifier") add(node.key as Expression);
  };
  const addSuper = (node: Class): void => void (node.superClass !== null && add(node.superClass));
  visit(
    new Visitor({
      TSTypeReference: (node) => add(node.typeName),
      TSTypeQuery: (node) => add(node.exprName),
      TSInterfaceHeritage: (node) => add(node.expression),
      TSClassImplements: (node) => add(node.expression),
      ClassDeclaration: addSuper,
      PropertyDefinition: addKey,
      MethodDefinition: addKey,
      TSPropertySignature: addKey,
      TSMethodSignature: addKey,
      TSImportType({ start, end, source, qualifier }) {
        let first: Node | null = qualifier;
        while (first?.type === "TSQualifiedName") first = first.left;
        found.push({ start, end, to: { from: source.value, name: first?.type === "Identifier" ? first.name : "*" } });
      },
    }),
  );
  return found;
}

/** Reads a `.d.ts` file; throws on a statement that it knows no rule for, so that nothing public is left out. */
export function readDeclarations(path: string): DeclarationFile {
  const source = readFileSync(path, "utf8");
  const { program, module, comments, errors } = parseSync(path, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);

  const hidden: Span[] = [...comments];
  new Visitor({
    ClassBody: ({ body }) => void hidden.push(...body.filter(isHidden)),
  }).visit(program);
  const allReferences = referencesOf((visitor) => visitor.visit(program));

  const declarations = new Map<string, Declaration[]>();
  const declare = (name: string, span: Span, isValue: boolean, prefix = "", suffix = ""): void => {
    const references = allReferences
      .filter((each) => isWithin(each, span) && !hidden.some((part) => isWithin(each, part)))
      .map(({ to }) => to);
    const declaration = { text: prefix + textWithout(source, span, hidden) + suffix, isValue, references };
    declarations.set(name, [...(declarations.get(name) ?? []), declaration]);
  };
  const additions: string[] = [];
  const specifierLists = new Set<number>();
  for (const statement of program.body) {
    const isExport = statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration";
    const node = isExport ? statement.declaration : statement;
    switch (node?.type) {
      case undefined:
        specifierLists.add(statement.start);
        break;
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "Identifier": // export default NAME
        break;
      case "VariableDeclaration":
        for (const each of node.declarations) {
          if (each.id.type !== "Identifier") throw new Error(`${path}: the surface has no rule for ${each.id.type}`);
          declare(each.id.name, each, true, `declare ${node.kind} `, ";");
        }
        break;
      case "FunctionDeclaration":
      case "TSDeclareFunction":
      case "ClassDeclaration":
        declare(node.id?.name ?? "default", node, true);
        break;
      case "TSInterfaceDeclaration":
      case "TSTypeAliasDeclaration":
        declare(node.id.name, node, false);
        break;
      case "TSModuleDeclaration": {
        const isAddition = node.kind === "global" || node.id.type === "Literal";
        const name = source.slice(node.id.start, node.id.end);
        declare(name, node, true);
        if (isAddition) additions.push(name);
        break;
      }
      default:
        throw new Error(`${path}: the surface has no rule for ${node?.type}`);
    }
  }

  const exports = new Map<string, ExportedName>();
  const stars: string[] = [];
  for (const { start, entries } of module.staticExports) {
    for (const { moduleRequest, importName, exportName, localName, isType } of entries) {
      const from = moduleRequest?.value;
      if (importName.kind === "AllButDefault" && from !== undefined) {
        if (isType) throw new Error(`${path}: the surface has no rule for export type *`);
        stars.push(from);
        continue;
      }
      const exported = exportName.kind === "Default" ? "default" : (exportName.name ?? "");
      const isTypeOnly = isType && specifierLists.has(start);
      if (from === undefined) exports.set(exported, { name: localName.name ?? "default", isTypeOnly });
      else exports.set(exported, { from, name: importName.name ?? "*", isTypeOnly });
    }
  }

  const imports = new Map<string, ImportedName>();
  for (const { moduleRequest, entries } of module.staticImports) {
    for (const { importName, localName } of entries) {
      const name = importName.kind === "Default" ? "default" : (importName.name ?? "*");
      imports.set(localName.value, { from: moduleRequest.value, name });
    }
  }
  return { declarations, imports, exports, stars, additions };
}
