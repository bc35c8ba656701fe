import type { Manifest } from "@berth/spec";

import { lineAt } from "./lint-finding.ts";
import type { LintFinding } from "./lint-finding.ts";

/** What a plugin's folder holds, as far as advice looks at it. */
export interface LintedFolder {
  readonly manifest: Manifest;
  readonly manifestText: string;
  /** Names of the files at its root. */
  readonly names: ReadonlySet<string>;
  /** Bytes of the icon, when the manifest names one that is there. */
  readonly icon: Uint8Array | undefined;
}

const MIN_DESCRIPTION = 20;
const MAX_ICON_BYTES = 262_144;
const MIN_ICON_PIXELS = 128;
const MAX_ICON_PIXELS = 1_024;
/** An SPDX expression of the plain kind: names joined by AND, OR and WITH. */
const SPDX = /^\(?[A-Za-z0-9.+-]+\)?(?: (?:AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*$/;

/** What readers of a catalogue would miss. */
export function manifestAdvice(folder: LintedFolder): LintFinding[] {
  const { manifest, manifestText, names } = folder;
  const at = (key: string): number => lineAt(manifestText, manifestText.indexOf(`"${key}"`));
  const findings: LintFinding[] = [];
  const advise = (rule: string, key: string, message: string): void =>
    void findings.push({ rule, severity: "advice", file: "manifest.json", line: at(key), message });
  const { description, displayName, license, contributes, secrets, permissions } = manifest;
  if (description.length < MIN_DESCRIPTION || description.toLowerCase() === displayName.toLowerCase())
    advise(
      "description",
      "description",
      `a description of ${description.length} characters tells nobody what this does`,
    );
  if (!SPDX.test(license)) advise("license", "license", "the licence is no SPDX expression, such as Apache-2.0");
  if (![...names].some((name) => /^readme(?:\.(?:md|txt))?$/i.test(name)))
    advise("readme", "id", "there is no README.md, which registries show");
  for (const [name, action] of Object.entries(contributes.actions)) {
    if (action.title === undefined && action.description === undefined)
      advise("action-words", name, `the action ${name} has neither title nor description`);
    if (action.input === true)
      advise(
        "action-schema",
        name,
        `the action ${name} takes anything: describe its input, so that the host checks it`,
      );
  }
  const reached = new Set(
    permissions.flatMap((permission) => {
      if (permission.name === "secrets_access") return permission.names;
      return permission.name === "network_restricted" ? permission.secretHeaders.map(({ secret }) => secret) : [];
    }),
  );
  for (const secret of secrets)
    if (!reached.has(secret)) advise("secret-unreachable", "secrets", `no permission reaches the secret ${secret}`);
  return [...findings, ...iconAdvice(folder, at("icon"))];
}

function iconAdvice({ manifest: { icon }, icon: bytes }: LintedFolder, line: number): LintFinding[] {
  if (icon === undefined) return [];
  const finding = (severity: "error" | "advice", message: string): LintFinding[] => [
    { rule: "icon", severity, file: "manifest.json", line, message },
  ];
  if (bytes === undefined) return finding("error", `the icon ${icon} is not there`);
  if (bytes.length > MAX_ICON_BYTES)
    return finding("advice", `the icon has ${bytes.length} bytes; ${MAX_ICON_BYTES} are plenty`);
  const size = pngSize(bytes);
  if (size === undefined) return [];
  const { width, height } = size;
  if (width !== height) return finding("advice", `the icon is ${width} × ${height} pixels, and is shown square`);
  if (width < MIN_ICON_PIXELS || width > MAX_ICON_PIXELS)
    return finding("advice", `the icon is ${width} pixels wide; ${MIN_ICON_PIXELS} to ${MAX_ICON_PIXELS} look right`);
  return [];
}

/** Width and height as the header of a PNG says (PNG, clause 11.2.1); `undefined` for other files. */
function pngSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  const SIGNATURE = "89504e470d0a1a0a";
  if (bytes.length < 24 || Buffer.from(bytes.subarray(0, 8)).toString("hex") !== SIGNATURE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
