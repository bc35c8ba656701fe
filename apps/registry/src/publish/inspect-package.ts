import { readPackage } from "@berth/archive";
import type { Package } from "@berth/archive";
import { decodeUtf8, formatBase64, quote } from "@berth/base";
import { scanPackage } from "@berth/scanner";
import { MANIFEST_FILE, SpecError, parseManifest } from "@berth/spec";
import type { Manifest } from "@berth/spec";
import { unverifiedSignerKeys, verifyRelease } from "@berth/trust";

import { RegistryError } from "../errors.ts";
import type { Inspection, InspectionRequest, ShownFile } from "./inspection.ts";

const RELEASE_ENVELOPE = "META/release.dsse";
const MAX_README_BYTES = 512 * 1_024;
const MAX_ICON_BYTES = 256 * 1_024;
const MAX_FINDINGS = 100;

/**
 * Checks everything about a package that can be known from its bytes and the publisher's keys: archive,
 * manifest, signature, scan.
 *
 * @throws ArchiveError, SpecError, TrustError, RegistryError
 */
export function inspectPackage(bytes: Uint8Array, request: InspectionRequest): Inspection {
  const opened = readPackage(bytes);
  const manifestFile = opened.files.get(MANIFEST_FILE);
  if (manifestFile === undefined)
    throw new SpecError("SPEC_MANIFEST_INVALID", `the package has no ${MANIFEST_FILE} at its root`);
  const manifest = parseManifest(manifestFile.bytes);
  verifyName(manifest, request);
  const keyId = verifySigner(opened, request);
  if (!opened.files.has(manifest.runtime.entry)) {
    throw new SpecError(
      "SPEC_MANIFEST_INVALID",
      `the manifest wants to load ${quote(manifest.runtime.entry)}, which is not in the package`,
    );
  }
  const inputs = [...opened.files].map(([path, file]) => ({ path, bytes: file.bytes }));
  const { score, verdict, findings } = scanPackage(`${manifest.id}-${manifest.version}`, inputs, {
    policy: request.scanPolicy,
  });
  const readme = readmeOf(opened);
  const icon = iconOf(opened, manifest);
  return {
    contentDigest: opened.contentDigest,
    fileDigest: opened.fileDigest,
    fileSize: bytes.length,
    keyId,
    manifest: decodeUtf8(manifestFile.bytes),
    ...(readme !== undefined && { readme }),
    ...(icon !== undefined && { icon }),
    scan: { score, verdict, findings: findings.slice(0, MAX_FINDINGS) },
  };
}

function verifyName(manifest: Manifest, { plugin, version }: InspectionRequest): void {
  if (manifest.id === plugin && manifest.version === version) return;
  throw new RegistryError(
    "REGISTRY_PACKAGE_MISMATCH",
    `the package says it is ${manifest.id} ${manifest.version}, the request says ${plugin} ${version}`,
  );
}

function verifySigner({ envelopes, contentDigest }: Package, request: InspectionRequest): string {
  const { plugin, version, repository, keys, now } = request;
  const envelope = envelopes.get(RELEASE_ENVELOPE);
  if (envelope === undefined)
    throw new RegistryError("REGISTRY_PACKAGE_UNSIGNED", `${plugin} ${version} carries no signature`);
  const signers = unverifiedSignerKeys(envelope);
  if (!signers.some(({ keyId }) => keys.some((key) => key.keyId === keyId))) {
    const found = signers.map(({ keyId }) => keyId).join(", ") || "nobody known";
    throw new RegistryError(
      "REGISTRY_KEY_NOT_ENROLLED",
      `${plugin} ${version} is signed by ${found}, which is no active key of its publisher`,
    );
  }
  const expected = { plugin, version, contentDigest, repository, now: new Date(now) };
  return verifyRelease({ envelope, expected, keys }).keyId;
}

function readmeOf({ files }: Package): ShownFile | undefined {
  const bytes = files.get("README.md")?.bytes;
  if (bytes === undefined || bytes.length > MAX_README_BYTES) return undefined;
  try {
    decodeUtf8(bytes);
  } catch {
    return undefined; // Not text: the package is sound, but there is nothing to show.
  }
  return { base64: formatBase64(bytes), type: "text/markdown; charset=utf-8" };
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function iconOf({ files }: Package, { icon }: Manifest): ShownFile | undefined {
  const bytes = icon === undefined ? undefined : files.get(icon)?.bytes;
  if (icon === undefined || bytes === undefined || bytes.length > MAX_ICON_BYTES) return undefined;
  const isPng = PNG_SIGNATURE.every((byte, at) => bytes[at] === byte);
  if (!isPng && !icon.endsWith(".svg")) return undefined;
  return { base64: formatBase64(bytes), type: isPng ? "image/png" : "image/svg+xml" };
}
