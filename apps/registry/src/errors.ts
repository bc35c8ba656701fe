import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const registryErrors = {
  REGISTRY_CONFIG_INVALID: {
    kind: "usage",
    meaning: "The configuration of a registry says something that it cannot say.",
    cause: "A name is unknown or misspelt, or a value is outside its limits.",
    remedy: "Correct the settings that the message names; `docs/registry-settings.md` lists them all.",
  },
  REGISTRY_DATABASE_FAILED: {
    kind: "environment",
    meaning: "The catalogue's database cannot be used.",
    cause: "The server of the database is down, refuses the name or password, or holds something else.",
    remedy: "Check the setting BERTH_REGISTRY_DATABASE and whether the database answers.",
  },
  REGISTRY_DISK_FULL: {
    kind: "environment",
    meaning: "A package could not be kept because there is no space left.",
    cause: "The disk of the data directory, or a quota, is full.",
    remedy: "Free space and publish again. Nothing was half-written.",
  },
  REGISTRY_BLOB_MISSING: {
    kind: "environment",
    meaning: "The catalogue knows a file that the blob store does not have.",
    cause: "The blob store was cleared, restored from an older backup, or another one was configured.",
    remedy: "Restore the file with the digest that the message names from a backup or a mirror.",
  },
  REGISTRY_BLOB_DAMAGED: {
    kind: "environment",
    meaning: "A file of the blob store is not the one that was published; it is not served.",
    cause: "The disk failed, or somebody changed the file.",
    remedy: "Restore the file with the digest that the message names from a backup or a mirror.",
  },
  REGISTRY_BLOBS_FAILED: {
    kind: "environment",
    meaning: "The blob store did not do what was asked.",
    cause: "The disk or the S3 server failed, or refuses the access key.",
    remedy: "Check the blob store's settings and its own log.",
  },
  REGISTRY_PUBLISHER_UNKNOWN: {
    kind: "input",
    meaning: "No publisher has this name.",
    cause: "A typing mistake, or the publisher is known to another registry.",
    remedy: "Ask the registry's operator to create the publisher, or register where registration is open.",
  },
  REGISTRY_PUBLISHER_EXISTS: {
    kind: "input",
    meaning: "A publisher of this name exists already.",
    cause: "A name belongs to whoever came first, and is bound to their key.",
    remedy: "Choose another name; add keys to your own publisher with a statement signed by an enrolled key.",
  },
  REGISTRY_NAME_RESEMBLES: {
    kind: "input",
    meaning: "A new name looks like one that exists.",
    cause: "The two differ only in hyphens, in characters that look alike, or in one letter.",
    remedy: "Choose a name that nobody confuses. The operator may create a publisher whose name differs in one letter.",
  },
  REGISTRY_KEY_EXISTS: {
    kind: "input",
    meaning: "A publisher has this key already.",
    cause: "The key was enrolled before; a key that was retired stays retired.",
    remedy: "Nothing is to be done for an active key; make a new key in place of a retired one.",
  },
  REGISTRY_KEY_UNKNOWN: {
    kind: "input",
    meaning: "A publisher has no such key.",
    cause: "A typing mistake in the key's id.",
    remedy: "Compare the id with those that the publisher's page lists.",
  },
  REGISTRY_LAST_KEY: {
    kind: "input",
    meaning: "The last active key of a publisher cannot be retired.",
    cause: "Without a key nobody could publish or enrol another one.",
    remedy: "Enrol a new key first.",
  },
  REGISTRY_TOO_MANY_KEYS: {
    kind: "input",
    meaning: "A publisher has as many keys as a registry keeps.",
    cause: "Retired keys count too, because they vouch for older releases.",
    remedy: "Use one of the keys that are enrolled.",
  },
  REGISTRY_KEY_NOT_ENROLLED: {
    kind: "denied",
    meaning: "A package is not signed by an active key of its publisher.",
    cause: "Another key was used, or the key was retired.",
    remedy: "Sign with an enrolled key, or enrol the new one with a statement signed by an old one.",
  },
  REGISTRY_PLUGIN_UNKNOWN: {
    kind: "input",
    meaning: "No plugin of this id is in the registry.",
    cause: "A typing mistake, or the plugin is published elsewhere.",
    remedy: "Search for it with `berth search`.",
  },
  REGISTRY_RELEASE_UNKNOWN: {
    kind: "input",
    meaning: "A plugin has no release of this version.",
    cause: "The version was never published here.",
    remedy: "Choose one of the versions that `berth show` lists.",
  },
  REGISTRY_FILE_UNKNOWN: {
    kind: "input",
    meaning: "A release has no such file.",
    cause: "The package has no readme or no icon, or the name of the package file is another.",
    remedy: "Look at the plugin's entry first; it says what there is.",
  },
  REGISTRY_RELEASE_EXISTS: {
    kind: "input",
    meaning: "A release of this version was published before, with other content.",
    cause: "Releases never change.",
    remedy: "Publish the change under a new version.",
  },
  REGISTRY_TOO_MANY_RELEASES: {
    kind: "input",
    meaning: "A plugin has as many releases as a registry keeps.",
    cause: "Something publishes releases that nobody needs, such as one for each build.",
    remedy: "Publish releases only.",
  },
  REGISTRY_PACKAGE_MISMATCH: {
    kind: "input",
    meaning: "A package is not the release that it was sent as.",
    cause: "The path of the request names another plugin or version than the package's manifest.",
    remedy: "Send the package to the path that its manifest says.",
  },
  REGISTRY_PACKAGE_UNSIGNED: {
    kind: "denied",
    meaning: "A package carries no signature.",
    cause: "It was packed and not signed.",
    remedy: "Sign it with `berth sign FILE`.",
  },
  REGISTRY_SCAN_REFUSED: {
    kind: "denied",
    meaning: "The scanner's verdict of a package is one that this registry refuses.",
    cause: "The package does what hostile packages do; the details list the findings.",
    remedy: "Remove what the findings name, or ask the operator.",
  },
  REGISTRY_DEPENDENCIES_UNMET: {
    kind: "input",
    meaning: "What a release needs cannot be met from this registry, so nobody could install it.",
    cause:
      "A plugin that it needs, or any release in the range, is not published here, or its needs contradict each other.",
    remedy:
      "Publish what it needs first, or correct the ranges that the message names. Where two plugins need each other, mark one of the needs as lazy and publish that plugin first.",
  },
  REGISTRY_INSPECTION_FAILED: {
    kind: "input",
    meaning: "A package could not be inspected to the end.",
    cause: "Inspecting it took too long, or ended the process that did it.",
    remedy: "Make the package smaller; if it is harmless, report it.",
  },
  REGISTRY_TOKEN_UNKNOWN: {
    kind: "input",
    meaning: "There is no such token, or it is not yours to see.",
    cause: "It was revoked or has expired, or it belongs to another publisher.",
    remedy: "List the tokens first.",
  },
} as const satisfies Record<string, ErrorRow>;

export type RegistryErrorCode = keyof typeof registryErrors;

/** Refusals and failures of the registry. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  constructor(code: RegistryErrorCode, message: string, extras?: ErrorExtras) {
    super(registryErrors, code, message, extras);
  }
}

/** HTTP statuses of codes for which the kind's own says too little. */
export const registryStatuses: Readonly<Partial<Record<RegistryErrorCode, number>>> = {
  REGISTRY_DISK_FULL: 507,
  REGISTRY_BLOB_MISSING: 500,
  REGISTRY_BLOB_DAMAGED: 500,
  REGISTRY_PUBLISHER_UNKNOWN: 404,
  REGISTRY_PUBLISHER_EXISTS: 409,
  REGISTRY_NAME_RESEMBLES: 409,
  REGISTRY_KEY_EXISTS: 409,
  REGISTRY_KEY_UNKNOWN: 404,
  REGISTRY_LAST_KEY: 409,
  REGISTRY_TOO_MANY_KEYS: 409,
  REGISTRY_PLUGIN_UNKNOWN: 404,
  REGISTRY_RELEASE_UNKNOWN: 404,
  REGISTRY_FILE_UNKNOWN: 404,
  REGISTRY_RELEASE_EXISTS: 409,
  REGISTRY_DEPENDENCIES_UNMET: 422,
  REGISTRY_TOO_MANY_RELEASES: 409,
  REGISTRY_TOKEN_UNKNOWN: 404,
};
