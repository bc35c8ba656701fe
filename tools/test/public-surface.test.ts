import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";

import { checkSurfaces, publicSurfaces } from "../public-surface.ts";
import { root as repository } from "../workspace.ts";
import { makeTree } from "./tree.ts";

type Files = Readonly<Record<string, string>>;

const SURFACE = "docs/surface/trust.txt";
const ONE_ENTRY: Files = { ".": "index" };

const manifestOf = (entries: Files): object => ({
  name: "@berth/trust",
  type: "module",
  exports: Object.fromEntries(Object.entries(entries).map(([entry, file]) => [entry, `./src/${file}.ts`])),
  publishConfig: {
    exports: Object.fromEntries(
      Object.entries(entries).map(([entry, file]) => [entry, { types: `./dist/${file}.d.ts` }]),
    ),
  },
});

/** A repository with one package, and these declaration files in its dist folder. */
function treeOf(dist: Files, entries: Files = ONE_ENTRY, area = "packages"): string {
  const files = Object.entries(dist).map(([file, text]) => [`${area}/trust/dist/${file}.d.ts`, text]);
  return makeTree({ [`${area}/trust/package.json`]: manifestOf(entries), ...Object.fromEntries(files) });
}

/** The surface of such a package, after its two lines of introduction. */
const surfaceOf = (dist: Files, entries?: Files): string =>
  (publicSurfaces(treeOf(dist, entries)).get(SURFACE) ?? "").split("\n").slice(3).join("\n");

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

/** What the check says after the declarations of a generated surface changed from one text to another. */
function problemsAfter(before: string, after: string): string[] {
  const root = treeOf({ index: before });
  for (const [file, text] of publicSurfaces(root)) write(root, file, text);
  assert.deepEqual(checkSurfaces(root), []);
  write(root, "packages/trust/dist/index.d.ts", after);
  return checkSurfaces(root);
}

const CHANGED = [
  "the public surface of @berth/trust changed: run npm run generate and review the diff of docs/surface/trust.txt",
];
const SIGN = "export declare function sign(text: string): string;\n";

for (const [what, before, after] of [
  ["a changed signature", SIGN, "export declare function sign(text: string, key: string): string;\n"],
  ["a removed export", `${SIGN}export declare const size: 1;\n`, SIGN],
  ["a new export", SIGN, `${SIGN}export declare const size: 1;\n`],
  ["a removed overload", `${SIGN}export declare function sign(bytes: number): string;\n`, SIGN],
  ["a removed member", "export interface Key {\n    id: string;\n}\n", "export interface Key {\n}\n"],
  [
    "a constructor made private",
    "export declare class A {\n}\n",
    "export declare class A {\n    private constructor();\n}\n",
  ],
  [
    "a class that became a type only",
    "declare class A {\n}\nexport { A };\n",
    "declare class A {\n}\nexport type { A };\n",
  ],
  [
    "a changed type that is not exported itself",
    "interface Options {\n    a: 1;\n}\nexport declare function sign(options: Options): void;\nexport {};\n",
    "interface Options {\n    a: 2;\n}\nexport declare function sign(options: Options): void;\nexport {};\n",
  ],
  [
    "an addition to another module",
    SIGN,
    `${SIGN}declare module "fastify" {\n    interface A {\n        b: 1;\n    }\n}\n`,
  ],
] as const) {
  test(`the check finds ${what}`, () => {
    assert.deepEqual(problemsAfter(before, after), CHANGED);
  });
}

for (const [what, before, after] of [
  ["a docstring", SIGN, `/** Signs. */\n${SIGN}`],
  ["the order of declarations", `export declare const a: 1;\n${SIGN}`, `${SIGN}export declare const a: 1;\n`],
  [
    "a private member",
    "export declare class A {\n    b: 1;\n}\n",
    "export declare class A {\n    #private;\n    /** Old. */\n    private c;\n    protected d: Hidden;\n    b: 1;\n}\ntype Hidden = 1;\n",
  ],
  ["a declaration that nothing public names", SIGN, `${SIGN}interface Hidden {\n}\n`],
] as const) {
  test(`${what} is no part of a surface`, () => {
    assert.deepEqual(problemsAfter(before, after), []);
  });
}

test("names are followed to their declarations, and sorted by what they are exported as", () => {
  const surface = surfaceOf({
    index:
      'export { verify as check } from "./keys/verify.ts";\nimport { Key } from "./keys/verify.ts";\nexport { Key };\n' +
      'export * from "./all.ts";\n',
    "keys/verify":
      "/** Why. */\nexport declare class Key {\n    #private;\n    /** Its name. */\n    readonly id: string;\n}\n" +
      "export declare const verify: (key: Key) => void;\n",
    all: "export declare const a: 1, b: 2;\nexport default a;\n",
  });
  assert.equal(
    surface,
    "# @berth/trust\n\ndeclare class Key {\n    readonly id: string;\n}\n\ndeclare const a: 1;\n\ndeclare const b: 2;\n\n" +
      "// exported as check\ndeclare const verify: (key: Key) => void;\n",
  );
});

test("what comes from another package is named, and listed in that package's own surface", () => {
  const surface = surfaceOf({
    index:
      'import { CodedError } from "@berth/base";\nexport { quote as q } from "@berth/base";\n' +
      'export type { Json } from "@berth/base";\nexport * from "@berth/spec";\nexport * as wire from "@berth/wire";\n' +
      'export declare class TrustError extends CodedError {\n    at: import("zod").ZodError;\n}\n',
  });
  assert.equal(
    surface,
    '# @berth/trust\n\nexport * from "@berth/spec";\n\nexport type { Json } from "@berth/base";\n\n' +
      'declare class TrustError extends CodedError {\n    at: import("zod").ZodError;\n}\n\n' +
      'export { quote as q } from "@berth/base";\n\nexport * as wire from "@berth/wire";\n\n' +
      "# Named above, from other packages\n\nCodedError from @berth/base\nZodError from zod\n",
  );
});

test("types that are named and not exported are shown with their file, and what they name as well", () => {
  const surface = surfaceOf({
    index: 'export declare function sign(): import("./deep.ts").Deep;\n',
    deep: 'import type { Deeper } from "./deeper.ts";\nexport interface Deep extends Deeper {\n}\n',
    deeper: "export interface Deeper {\n    up?: Deeper;\n}\n",
  });
  assert.equal(
    surface,
    '# @berth/trust\n\ndeclare function sign(): import("./deep.ts").Deep;\n\n# Not exported, but part of the above\n\n' +
      "// src/deep.ts\ninterface Deep extends Deeper {\n}\n\n// src/deeper.ts\ninterface Deeper {\n    up?: Deeper;\n}\n",
  );
});

for (const [what, text, declaration] of [
  ["a constant", "declare const _default: string;\nexport default _default;\n", "declare const _default: string;"],
  ["a function", "export default function sign(): void;\n", "function sign(): void;"],
  ["a function without a name", "export default function (): void;\n", "function (): void;"],
] as const) {
  test(`a default export of ${what} is listed`, () => {
    const remark = what.endsWith("name") ? "" : "// exported as default\n";
    assert.equal(surfaceOf({ index: text }), `# @berth/trust\n\n${remark}${declaration}\n`);
  });
}

test("every entry of a package is listed, each by its name", () => {
  const surface = surfaceOf({ index: SIGN, "node-host": "export {};\n" }, { ".": "index", "./host": "node-host" });
  assert.equal(
    surface,
    "# @berth/trust\n\ndeclare function sign(text: string): string;\n\n# @berth/trust/host\n\nexports nothing\n",
  );
});

test("examples have no surface; engines and apps have one", () => {
  const filesOf = (area: string): string[] => [...publicSurfaces(treeOf({ index: SIGN }, ONE_ENTRY, area)).keys()];
  assert.deepEqual(filesOf("examples"), []);
  assert.deepEqual(filesOf("engines"), [SURFACE]);
  assert.deepEqual(filesOf("apps"), [SURFACE]);
});

for (const [what, dist, expected] of [
  ["a declaration file is missing", {}, /index\.d\.ts is missing; remove the dist folder and run tsc -b/],
  ["an export leads nowhere", { index: 'export { a } from "./b.ts";', b: "" }, /\.\/b\.ts does not export a/],
  ["a statement has no rule", { index: "declare const a: 1;\nexport = a;\n" }, /no rule for TSExportAssignment/],
  ["every type of a module is exported", { index: 'export type * from "./b.ts";\n' }, /no rule for export type \*/],
  ["an export is not declared", { index: "export { a };\n" }, /index\.d\.ts: /],
  ["a file does not parse", { index: "export declare const;" }, /index\.d\.ts: /],
] as const) {
  test(`the check refuses when ${what}`, () => {
    const root = treeOf(dist);
    write(root, SURFACE, "");
    const [problem = "", ...more] = checkSurfaces(root);
    assert.match(problem, /^the public surface of @berth\/trust cannot be read: /);
    assert.match(problem, expected);
    assert.deepEqual(more, []);
  });
}

test("a surface without a package is found", () => {
  const root = treeOf({ index: SIGN });
  for (const [file, text] of publicSurfaces(root)) write(root, file, text);
  write(root, "docs/surface/gone.txt", "");
  assert.deepEqual(checkSurfaces(root), ["docs/surface/gone.txt belongs to no package"]);
});

test("a surface that was never written is found", () => {
  assert.deepEqual(checkSurfaces(treeOf({ index: SIGN })), CHANGED);
});

test("reads what the compiler itself emits", () => {
  const root = makeTree({ "packages/trust/package.json": manifestOf(ONE_ENTRY) });
  const source = (body: string): string =>
    `/** A key. */\nexport class Key {\n  #secret = 1;\n  private hint = 2;\n  /** Its size. */\n  ${body}\n}\n` +
    "export const [first, second] = [1, 2];\n";
  const compile = (text: string): void => {
    write(root, "packages/trust/src/key.ts", text);
    write(root, "packages/trust/src/index.ts", 'export { Key, first } from "./key.ts";\n');
    const tsc = join(repository, "node_modules/typescript/bin/tsc");
    const options = [
      "--declaration",
      "--module",
      "nodenext",
      "--rewriteRelativeImportExtensions",
      "--target",
      "es2024",
    ];
    const folders = ["--rootDir", "src", "--outDir", "dist", "src/index.ts"];
    rmSync(join(root, "packages/trust/dist"), { recursive: true, force: true });
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...folders], {
      cwd: join(root, "packages/trust"),
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout);
  };
  compile(source("size() { return this.#secret + this.hint; }"));
  for (const [file, text] of publicSurfaces(root)) write(root, file, text);
  assert.match(
    publicSurfaces(root).get(SURFACE) ?? "",
    /\n\ndeclare class Key \{\n {4}size\(\): number;\n\}\n\ndeclare const first: number;\n$/,
  );
  compile(source("size() { return this.#secret * this.hint * 2; }"));
  assert.deepEqual(checkSurfaces(root), []);
  compile(source("size(unit: string) { return `${this.#secret}${this.hint}${unit}`; }"));
  assert.deepEqual(checkSurfaces(root), CHANGED);
});
