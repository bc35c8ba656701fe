import type { SourceFile } from "../source-file.ts";
export type ManifestKind = "npm" | "plugin" | "berth" | "python";

/** One manifest of a package, as it stands: nothing in it is verified. */
export interface UnverifiedManifest {
  readonly kind: ManifestKind;
  readonly path: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const kinds = new Map<string, ManifestKind>([
  ["package.json", "npm"],
  ["plugin.json", "plugin"],
  ["manifest.json", "berth"],
]);

/** The manifests at the root of a package (or the lone file). A malformed one is no manifest. */
export function manifestsOf(files: ReadonlyMap<string, SourceFile>): UnverifiedManifest[] {
  const manifests: UnverifiedManifest[] = [];
  for (const [path, file] of files) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const kind = kinds.get(name);
    if (kind === undefined || path.split("/").length > 2 || file.text.length > 1_000_000) continue;
    const value = tryParseObject(file.text);
    if (value !== undefined) manifests.push({ kind, path, text: file.text, value });
  }
  return manifests;
}

function tryParseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.trim());
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON: the file is scanned as text, and a missing manifest is reported by whoever needs one.
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textMember(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const member = Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof member === "string" ? member : undefined;
}

export function objectMember(
  value: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const member = Object.hasOwn(value, name) ? value[name] : undefined;
  return isObject(member) ? member : {};
}

/** Offset of a member in a manifest's text, for pointing at it. */
export function offsetOf(manifest: UnverifiedManifest, ...names: readonly string[]): number {
  let at = 0;
  for (const name of names) {
    const next = manifest.text.indexOf(JSON.stringify(name), at);
    if (next < 0) return at;
    at = next;
  }
  return at;
}

/** The file that a manifest names as its entry. */
export function entryOf(manifest: UnverifiedManifest): string | undefined {
  const { value } = manifest;
  const direct = textMember(value, "main") ?? textMember(value, "entry") ?? textMember(value, "entryPoint");
  const runtime = textMember(objectMember(value, "runtime"), "entry");
  const entry = direct ?? runtime;
  return entry === undefined ? undefined : entry.replace(/^\.\//u, "");
}

/** Permissions in whatever form: names, objects with a name, or an object keyed by name. */
export function permissionsOf(manifest: UnverifiedManifest): readonly string[] | undefined {
  const { value } = manifest;
  for (const name of ["permissions", "capabilities", "grants"]) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (Array.isArray(member)) {
      return member.flatMap((one: unknown) => {
        if (typeof one === "string") return [one];
        if (!isObject(one)) return [];
        const text =
          textMember(one, "name") ?? textMember(one, "permission") ?? textMember(one, "id") ?? textMember(one, "type");
        return text === undefined ? Object.keys(one) : [text];
      });
    }
    if (isObject(member)) return Object.entries(member).flatMap(([key, granted]) => (granted === false ? [] : [key]));
  }
  return undefined;
}
