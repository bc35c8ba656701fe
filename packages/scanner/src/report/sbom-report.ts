import type { InputFile } from "../scan-file.ts";
import { manifestsOf, objectMember, textMember, type UnverifiedManifest } from "../package/unverified-manifest.ts";
import { SourceFile } from "../source-file.ts";

/** One third-party part of a package, as far as the package says. */
interface Component {
  readonly type: "library" | "application";
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly licenses?: readonly { readonly license: { readonly id: string } | { readonly name: string } }[];
  readonly evidence?: string;
}

const MAX_COMPONENTS = 5000;
/** `name v1.2.3`, as bundlers and banners write it. */
const BANNER =
  /\/\*!?\s*\*?\s*(@?[a-z][\w./-]{1,60}?)(?:\.js)?\s+v?(\d+\.\d+\.\d+(?:-[\w.]+)?)\b|@license\s+([A-Za-z][\w.-]{1,40})|Licensed under the ([A-Za-z0-9.-]{2,20}) [Ll]icen[sc]e|SPDX-License-Identifier:\s*([\w.+-]{2,40})/gu;
const SPDX = /^[A-Za-z0-9][A-Za-z0-9.+-]{1,40}$/u;

/**
 * An inventory of a package as CycloneDX 1.6 JSON: the plugin itself, what its manifests depend on, what
 * lies in `node_modules`, and what banners in bundled code name. It repeats what the package says of
 * itself and is as true as that. Same files, same document: it has no time and no random serial number.
 */
export function formatSbomReport(path: string, files: readonly InputFile[]): string {
  const sources = new Map(
    files
      .filter(({ path: name }) => isManifest(name))
      .map((file) => [file.path, new SourceFile(file.path, file.bytes)]),
  );
  const [own] = manifestsOf(sources);
  const components = new Map<string, Component>();
  const add = (component: Component): void => {
    const key = component.purl ?? `${component.name}@${component.version ?? ""}`;
    if (components.size < MAX_COMPONENTS && !components.has(key)) components.set(key, component);
  };
  for (const manifest of manifestsOf(sources)) for (const component of declared(manifest)) add(component);
  for (const [name, source] of sources) if (name.includes("node_modules/")) installed(source.text, add);
  for (const file of files) for (const component of bannersOf(file)) add(component);
  const bom = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        name: own === undefined ? path : (textMember(own.value, "id") ?? textMember(own.value, "name") ?? path),
        ...(own !== undefined && optional("version", textMember(own.value, "version"))),
        ...(own !== undefined && licensesOf(textMember(own.value, "license"))),
      },
    },
    components: [...components.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
      .map(({ evidence, ...component }) => ({
        ...component,
        ...(evidence !== undefined && {
          evidence: { occurrences: [{ location: evidence }] },
        }),
      })),
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

const isManifest = (path: string): boolean => /(?:^|\/)(?:package|plugin|manifest)\.json$/u.test(path);

const optional = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value.slice(0, 200) };

/** What a manifest depends on: plugins by range, packages by range. */
function declared({ kind, path, value }: UnverifiedManifest): Component[] {
  const groups = kind === "npm" ? ["dependencies", "optionalDependencies"] : ["dependencies"];
  return groups.flatMap((group) =>
    Object.entries(objectMember(value, group)).map(([name, range]): Component => {
      const version = typeof range === "string" ? range : textMember(range as Record<string, unknown>, "range");
      const isExact = version !== undefined && /^\d+\.\d+\.\d+(?:-[\w.]+)?$/u.test(version);
      return {
        type: "library",
        name: name.slice(0, 200),
        ...optional("version", version),
        ...(kind === "npm" && isExact && { purl: purlOf(name, version) }),
        evidence: path,
      };
    }),
  );
}

function installed(text: string, add: (component: Component) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: it names no part.
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  const name = textMember(members, "name");
  const version = textMember(members, "version");
  if (name === undefined || version === undefined) return;
  add({ type: "library", name, version, purl: purlOf(name, version), ...licensesOf(textMember(members, "license")) });
}

/** Names, versions and licences in the comments of bundled code. */
function bannersOf(file: InputFile): Component[] {
  const source = new SourceFile(file.path, file.bytes);
  if (source.language !== "javascript" && source.language !== "typescript" && source.language !== "css") return [];
  const found: Component[] = [];
  let licence: string | undefined;
  for (const match of source.text.slice(0, 2_000_000).matchAll(BANNER)) {
    if (found.length >= 200) break;
    const [, name, version] = match;
    licence = match[3] ?? match[4] ?? match[5] ?? licence;
    if (name === undefined || version === undefined) continue;
    found.push({
      type: "library",
      name,
      version,
      purl: purlOf(name, version),
      ...licensesOf(licence),
      evidence: `${file.path}:${source.positionOf(match.index).line}`,
    });
  }
  return found;
}

/** Package URL (purl specification, type npm): the `@` of a scope is encoded, its `/` is not. */
const purlOf = (name: string, version: string): string =>
  `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;

const licensesOf = (text: string | undefined): Pick<Component, "licenses"> =>
  text === undefined ? {} : { licenses: [{ license: SPDX.test(text) ? { id: text } : { name: text.slice(0, 200) } }] };
