// The thread where folders of plugins are read. It may be ended at any moment by its owner.
import { parentPort } from "node:worker_threads";

import { ArchiveError } from "@berth/archive";
import { MANIFEST_FILE, MAX_MANIFEST_BYTES, SpecError, parseManifest } from "@berth/spec";

import { openUnsigned } from "../install/plan.ts";
import type { PackageOutline } from "../install/plan.ts";
import type { DevelopmentOutline, ThreadReply, ThreadRequest } from "./messages.ts";
import { PluginFolder } from "./node-plugin-folder.ts";
import type { FolderPlace } from "./node-plugin-folder.ts";
import { refusalOf } from "./refusal-texts.ts";

/** As much as a registry takes, and the API of a running host. */
const MAX_PACKAGE_BYTES = 64 * 1_048_576;
/** One more than an envelope may have: longer ones are refused all the same, and need not cross. */
const ENVELOPE_BYTES = 65_537;

function outlineOf(bytes: Uint8Array): PackageOutline {
  const { unverifiedManifest, contentDigest, fileDigest, files, envelope, deploymentEnvelope } = openUnsigned(bytes);
  const { entry } = unverifiedManifest.runtime;
  return {
    unverifiedManifest,
    contentDigest,
    fileDigest,
    // Copies: views would take the whole archive with them.
    envelope: envelope?.slice(0, ENVELOPE_BYTES),
    deploymentEnvelope: deploymentEnvelope?.slice(0, ENVELOPE_BYTES),
    files: new Set(files.has(entry) ? [entry] : []),
  };
}

function readPackage(place: FolderPlace, name: string): ThreadReply {
  using folder = PluginFolder.reopen(place);
  const { sizeBytes, bytes } = folder.read(name, MAX_PACKAGE_BYTES);
  try {
    if (bytes !== undefined) return { sizeBytes, package: outlineOf(bytes) };
    const found = `the package has ${sizeBytes} bytes, at most ${MAX_PACKAGE_BYTES} are read`;
    throw new ArchiveError("ARCHIVE_TOO_LARGE", found);
  } catch (error) {
    return { sizeBytes, error: refusalOf(error) };
  }
}

/** Only what the manifest says: the folder's code is neither built nor read. */
function readDevelopment(place: FolderPlace, name: string | undefined): DevelopmentOutline {
  using parent = PluginFolder.reopen(place);
  using folder = name === undefined ? undefined : parent.enter(name);
  const { sizeBytes, bytes } = (folder ?? parent).read(MANIFEST_FILE, MAX_MANIFEST_BYTES);
  if (bytes === undefined) {
    const found = `${MANIFEST_FILE} has ${sizeBytes} bytes, at most ${MAX_MANIFEST_BYTES} are read`;
    throw new SpecError("SPEC_MANIFEST_TOO_LARGE", found);
  }
  const { id, version, displayName } = parseManifest(bytes);
  return { id, version, displayName };
}

function answer(request: ThreadRequest): ThreadReply {
  try {
    if (request.kind === "package") return readPackage(request.folder, request.name);
    if (request.kind === "development") return { development: readDevelopment(request.folder, request.name) };
    using folder = PluginFolder.open(request.path);
    return { content: folder.list(request.maxNames, request.maxFound) };
  } catch (error) {
    return { error: refusalOf(error) };
  }
}

parentPort?.on("message", (request: ThreadRequest) => parentPort?.postMessage(answer(request)));
