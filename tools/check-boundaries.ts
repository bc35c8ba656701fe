// Compares every import with the map: who may use whom, and what may touch Node.
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";

import { Visitor, parseSync } from "oxc-parser";

import { listFiles, listPackages, root } from "./workspace.ts";
import type { WorkspacePackage } from "./workspace.ts";

/** Packages whose code runs in any world: nothing of Node, except in files named `node-*.ts`. */
const PURE: ReadonlySet<string> = new Set(["base", "spec", "wire", "guest", "sdk", "resolver", "ui"]);
/** Packages that belong to Node, with `node:` only in `node-*.ts` all the same. */
const NODE_FILES_ONLY: ReadonlySet<string> = new Set(["archive", "client", "trust", "sandbox", "scanner", "store"]);
const FORBIDDEN_NAMES = /(?:^|\/)(?:utils?|helpers?|common|misc)\.ts$/;
/**
 * What a package offers besides its index: what runs in a sandbox host must not load the supervisor's half, who
 * builds plugins' folders must not run the command line, and who reads a policy need not load every rule.
 */
const SECOND_DOORS: ReadonlySet<string> = new Set([
  "@berth/sandbox/sandbox-host",
  "@berth/scanner/policy",
  "@berth/cli/build-plugin",
]);
const BUILTINS: ReadonlySet<string> = new Set(builtinModules);

/** What one file imports: statically, dynamically, as a type in place, or by asking where a module lies. */
function importsOf(path: string, source: string): string[] {
  const found: string[] = [];
  const add = (node: { readonly type: string; readonly value?: unknown }): void => {
    if (node.type === "Literal" && typeof node.value === "string") found.push(node.value);
    // A computed name could be anything, so it counts as a name that nobody may import.
    else found.push("(a computed name)");
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => node.source !== null && add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    TSExternalModuleReference: (node) => add(node.expression),
    CallExpression({ callee, arguments: [first] }) {
      const isRequire = callee.type === "Identifier" && callee.name === "require";
      const isResolve = callee.type === "MemberExpression" && callee.object.type === "MetaProperty";
      if ((isRequire || isResolve) && first !== undefined) add(first);
    },
  }).visit(parseSync(path, source).program);
  return found;
}

const exportsDefault = (path: string, source: string): boolean =>
  parseSync(path, source).module.staticExports.some(({ entries }) =>
    entries.some(({ exportName }) => exportName.kind === "Default"),
  );

/** Violations of the map, one line each; empty when there are none. */
export function checkBoundaries(from = root): string[] {
  const allowed = new Map(
    Object.entries(JSON.parse(readFileSync(join(from, "tools/boundaries.json"), "utf8")) as Record<string, string[]>),
  );
  return listPackages(from).flatMap((pkg) => {
    const edges = allowed.get(pkg.name);
    if (edges === undefined) return [`${pkg.path}: the package ${pkg.name} is not in tools/boundaries.json`];
    return [
      ...checkManifest(pkg, edges, from),
      ...listFiles(`${pkg.path}/src`, ".ts", from).flatMap((file) => checkFile(pkg, edges, file, from)),
    ];
  });
}

function checkManifest({ path, name, manifest }: WorkspacePackage, edges: readonly string[], from: string): string[] {
  const dependencies = Object.keys(manifest.dependencies ?? {}).filter((each) => each.startsWith("@berth/"));
  const found = dependencies
    .filter((each) => !edges.includes(each.replace("@berth/", "")))
    .map((each) => `${path}/package.json: ${name} may not depend on ${each}`);
  const { references = [] } = JSON.parse(readFileSync(join(from, path, "tsconfig.json"), "utf8")) as {
    references?: { path: string }[];
  };
  const referenced = new Set(references.map((reference) => normalize(join(path, reference.path))));
  const packages = new Map(listPackages(from).map((each) => [`@berth/${each.name}`, each.path]));
  for (const dependency of dependencies) {
    const target = packages.get(dependency);
    if (target !== undefined && !referenced.has(target))
      found.push(`${path}/tsconfig.json: no reference to ${target}, which the package depends on`);
  }
  return found;
}

function checkFile(
  { path, name, manifest }: WorkspacePackage,
  edges: readonly string[],
  file: string,
  from: string,
): string[] {
  const source = readFileSync(join(from, file), "utf8");
  const isNodeFile = /(?:^|\/)node-[a-z0-9-]+\.ts$/.test(file);
  const found: string[] = [];
  if (FORBIDDEN_NAMES.test(file)) found.push(`${file}: name the file after what it holds`);
  if (/^export \* /m.test(source)) found.push(`${file}: export names one by one`);
  const isPluginEntry = path.startsWith("examples/");
  if (exportsDefault(file, source) && !isPluginEntry) found.push(`${file}: no default exports`);
  for (const specifier of importsOf(file, source)) {
    if (specifier.startsWith(".")) {
      const target = normalize(join(dirname(file), specifier));
      if (!target.startsWith(`${path}/`)) found.push(`${file}: ${specifier} leaves the package; import it by name`);
    } else if (specifier.startsWith("node:") || BUILTINS.has(specifier)) {
      if (!isNodeFile && (PURE.has(name) || NODE_FILES_ONLY.has(name)))
        found.push(`${file}: only files named node-*.ts may import ${specifier}`);
    } else {
      const [scope = "", rest = ""] = specifier.split("/");
      const dependency = specifier.startsWith("@") ? `${scope}/${rest}` : scope;
      // A package that is nothing but types is listed by its name under @types.
      const listed = { ...manifest.dependencies, ...manifest.devDependencies };
      if (listed[dependency] === undefined && listed[`@types/${dependency}`] === undefined) {
        found.push(`${file}: ${dependency} is not among the dependencies of ${name}`);
      }
      if (dependency.startsWith("@berth/") && !edges.includes(dependency.replace("@berth/", "")))
        found.push(`${file}: ${name} may not import ${dependency}`);
      if (dependency.startsWith("@berth/") && specifier !== dependency && !SECOND_DOORS.has(specifier))
        found.push(`${file}: ${specifier} reaches into a package`);
    }
  }
  return found;
}
