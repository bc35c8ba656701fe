import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const hostErrors = {
  HOST_BUSY: {
    kind: "environment",
    meaning: "Another process owns the data directory.",
    cause: "A host is already running there; the message names its process id.",
    remedy: "End the other process, or give this one another data directory.",
  },
  HOST_DATA_DIR_UNUSABLE: {
    kind: "environment",
    meaning: "The data directory cannot be used.",
    cause: "It cannot be created, written, or the disk is full.",
    remedy: "Check the path, its owner and the free space.",
  },
  HOST_CLOSED: {
    kind: "usage",
    meaning: "The host was used after it was closed.",
    cause: "An operation ran on after `close()`.",
    remedy: "Wait for operations to end before closing.",
  },
  HOST_PACKAGE_UNSIGNED: {
    kind: "denied",
    meaning: "A package carries no signature of its publisher.",
    cause: "`berth pack` was run without `berth sign`, or the signature was removed.",
    remedy: "Sign the package: `berth sign FILE`.",
  },
  HOST_KEY_UNTRUSTED: {
    kind: "denied",
    meaning: "A package is signed by a key that this host has not been told to trust.",
    cause: "It is the first package of this publisher here, and nobody has confirmed the key.",
    remedy: "Compare the fingerprint with one that the publisher gave you on another way, then trust the key.",
  },
  HOST_KEY_CHANGED: {
    kind: "denied",
    meaning: "A package is signed by another key than the one this host trusts for its publisher.",
    cause: "The publisher changed keys, or somebody pretends to be the publisher.",
    remedy: "Do not install. Ask the publisher on another way which fingerprint is right.",
  },
  HOST_API_UNSUPPORTED: {
    kind: "input",
    meaning: "A plugin needs another version of the Berth API.",
    cause: "The manifest's `api` range does not include this host's version.",
    remedy: "Update Berth, or use a release of the plugin for this version.",
  },
  HOST_RUNTIME_UNSUPPORTED: {
    kind: "input",
    meaning: "No engine of this host executes the plugin at the level it needs.",
    cause: "The manifest's `runtime.kind` or the effective security level has no engine here.",
    remedy: "Give the host an engine for it, or choose another level by policy.",
  },
  HOST_FEATURE_UNSUPPORTED: {
    kind: "input",
    meaning: "A manifest asks for something that this host does not implement.",
    cause:
      "Dependencies, settings or secrets are declared in the manifest, and this version of Berth has no support for them yet.",
    remedy: "Use a release without them, or a newer Berth.",
  },
  HOST_LIMITS_TOO_HIGH: {
    kind: "input",
    meaning: "A plugin asks for more than its security level gives.",
    cause: "The manifest's `limits` are above the level's ceiling.",
    remedy: "Lower the limits in the manifest.",
  },
  HOST_SCHEMA_UNUSABLE: {
    kind: "input",
    meaning: "A schema of a plugin could not be compiled in time.",
    cause: "The schema is contradictory or made to be slow.",
    remedy: "Simplify the schema that the message names.",
  },
  HOST_ENTRY_MISSING: {
    kind: "input",
    meaning: "A package does not hold the file that its manifest wants to load.",
    cause: "`runtime.entry` names a file that is not in the package.",
    remedy: "Pack the plugin again with `berth pack`.",
  },
  HOST_POLICY_DENIES: {
    kind: "denied",
    meaning: "The operator's policy forbids a permission that the plugin requires.",
    cause: "The permission is on the policy's list of denied ones.",
    remedy: "Ask the operator, or use another plugin.",
  },
  HOST_CONSENT_MISSING: {
    kind: "denied",
    meaning: "A plugin was to be installed without consent to everything it requires.",
    cause: "A required permission was not among those granted.",
    remedy: "Read what the plugin asks for and grant it by name, or do not install.",
  },
  HOST_ALREADY_INSTALLED: {
    kind: "input",
    meaning: "Exactly this release is installed already.",
    cause: "The same package was installed before.",
    remedy: "None needed.",
  },
  HOST_PLAN_STALE: {
    kind: "usage",
    meaning: "What is installed has changed since the plan was made.",
    cause: "Another install or uninstall of the same plugin ended in between.",
    remedy: "Plan again.",
  },
  HOST_PLUGIN_UNKNOWN: {
    kind: "input",
    meaning: "No plugin of that id is installed.",
    cause: "A typing mistake, or it was uninstalled.",
    remedy: "`berth list` shows what is installed.",
  },
  HOST_ACTION_UNKNOWN: {
    kind: "input",
    meaning: "The plugin has no action of that name.",
    cause: "A typing mistake, or another release of the plugin.",
    remedy: "The message lists the plugin's actions.",
  },
  HOST_INPUT_INVALID: {
    kind: "input",
    meaning: "The input of a call does not fit the action's schema.",
    cause: "A member is missing, unknown or of the wrong type; the details name the place.",
    remedy: "Correct the input at the place named.",
  },
  HOST_OUTPUT_INVALID: {
    kind: "input",
    meaning: "What a plugin answered does not fit the schema that it promised.",
    cause: "A mistake of the plugin's. The answer was not passed on.",
    remedy: "Report it to the plugin's author.",
  },
  HOST_VALUE_TOO_LARGE: {
    kind: "limit",
    meaning: "A value is too large for a call by value.",
    cause: "Values above 1 MiB would stall the embedding program while they are parsed.",
    remedy: "Use `callBytes`, which parses and checks in a worker thread.",
  },
  HOST_PACKAGE_DAMAGED: {
    kind: "environment",
    meaning: "The stored package of an installed plugin is missing or was changed.",
    cause: "Somebody edited the data directory, or the disk failed. The plugin was not run.",
    remedy: "Install the package again.",
  },
  BROKER_METHOD_UNKNOWN: {
    kind: "denied",
    meaning: "A plugin asked for a service that this host does not have.",
    cause: "The plugin was made for another host, or probes.",
    remedy: "Use the services of the SDK.",
  },
  BROKER_REQUEST_INVALID: {
    kind: "input",
    meaning: "A plugin's request to a service is not well-formed.",
    cause: "A wrong type, a key that is too long, or a value that is too large.",
    remedy: "Correct the request; the message names the member.",
  },
  BROKER_NO_CALLER: {
    kind: "denied",
    meaning: "A plugin asked for the caller's storage in a call that nobody in particular made.",
    cause: "The embedding program called without a partition.",
    remedy: "Name the caller in the call, or use the plugin's own storage.",
  },
  BROKER_QUOTA_EXCEEDED: {
    kind: "limit",
    meaning: "A plugin's storage is full.",
    cause: "The sum of its keys and values reached the quota.",
    remedy: "Delete keys that are not needed.",
  },
} as const satisfies Record<string, ErrorRow>;

export type HostErrorCode = keyof typeof hostErrors;

/** Refusals and failures of the host. */
export class HostError extends CodedError<HostErrorCode> {
  constructor(code: HostErrorCode, message: string, extras?: ErrorExtras) {
    super(hostErrors, code, message, extras);
  }
}
