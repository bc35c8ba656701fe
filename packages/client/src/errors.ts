import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const clientErrors = {
  CLIENT_URL_INVALID: {
    kind: "usage",
    meaning: "A text is not the address of a registry.",
    cause: "It is no http or https URL, or it holds a user name, a query or a fragment.",
    remedy: "Give the address as the registry's operator tells it, for example `https://registry.example/`.",
  },
  CLIENT_URL_INSECURE: {
    kind: "denied",
    meaning: "A registry's address would be spoken to without encryption.",
    cause: "Plain http is used only on this machine itself, because anybody on the way could read tokens and queries.",
    remedy: "Use https, or allow plain http for this registry explicitly: `berth registry add … --allow-http`.",
  },
  CLIENT_REGISTRY_UNREACHABLE: {
    kind: "environment",
    meaning: "No connection to the registry came about, or it broke.",
    cause: "The registry is down, its name does not resolve, its certificate is not valid, or the network is off.",
    remedy: "Check the address and the network, then try again.",
  },
  CLIENT_REGISTRY_SLOW: {
    kind: "environment",
    meaning: "The registry did not answer in time.",
    cause: "It is overloaded, or the connection is very slow.",
    remedy: "Try again later, or allow more time.",
  },
  CLIENT_REGISTRY_FAILED: {
    kind: "environment",
    meaning: "The registry reports a fault of its own.",
    cause: "Its server or storage is broken.",
    remedy: "Try again later; tell the registry's operator if it lasts.",
  },
  CLIENT_RATE_LIMITED: {
    kind: "limit",
    meaning: "The registry takes no more requests for now.",
    cause: "Too many requests came from this address in a short time.",
    remedy: "Wait as long as the message says.",
  },
  CLIENT_NOT_A_REGISTRY: {
    kind: "input",
    meaning: "The address belongs to another kind of server.",
    cause: "A web site, a package registry of another system, or a proxy's login page answered.",
    remedy: "Check the address: `index/registry.json` below it must be that of a Berth registry.",
  },
  CLIENT_ANSWER_INVALID: {
    kind: "input",
    meaning: "The registry's answer is not what the protocol says.",
    cause: "A newer or broken registry, or somebody between here and there.",
    remedy: "Update Berth; if it stays, tell the registry's operator.",
  },
  CLIENT_ANSWER_TOO_LARGE: {
    kind: "input",
    meaning: "The registry's answer is larger than any honest one.",
    cause: "A broken or hostile registry.",
    remedy: "Do not use this registry until its operator has explained it.",
  },
  CLIENT_LENGTH_WRONG: {
    kind: "input",
    meaning: "A package file has not the length that the index announces.",
    cause: "The download was cut, or the file at the registry was exchanged.",
    remedy: "Try again; if it stays, tell the registry's operator.",
  },
  CLIENT_DIGEST_WRONG: {
    kind: "input",
    meaning: "A package file is not the one that the index announces.",
    cause: "The file at the registry or on the way was exchanged or damaged. It was thrown away.",
    remedy: "Try again; if it stays, do not install, and tell the registry's operator.",
  },
  CLIENT_ROLLED_BACK: {
    kind: "denied",
    meaning: "The registry gives an older state than it gave before, or two states under one revision.",
    cause:
      "It was restored from a backup, a mirror lags behind, or somebody hides releases or yanks by replaying old files.",
    remedy:
      "Ask the registry's operator. If the older state is right, forget what was seen: remove the registry and add it again.",
  },
  CLIENT_REGISTRY_CHANGED: {
    kind: "denied",
    meaning: "Another registry answers at a known address.",
    cause: "It names another trust domain than before: it was set up anew, or somebody answers in its place.",
    remedy: "Ask the registry's operator; then remove the registry and add it again.",
  },
  CLIENT_METADATA_MISSING: {
    kind: "denied",
    meaning: "A registry that had signed metadata now says that it has none.",
    cause: "Somebody may be trying to make this machine trust less than it did.",
    remedy: "Do not install. Ask the registry's operator on another way.",
  },
  CLIENT_REDIRECT_REFUSED: {
    kind: "denied",
    meaning: "The registry sends its reader to another place, and that is not followed.",
    cause: "Redirects are followed within one origin only, and three times at most.",
    remedy: "Add the registry under the address to which it redirects, if you trust that one.",
  },
  CLIENT_PLUGIN_UNKNOWN: {
    kind: "input",
    meaning: "No registry that may be asked has the plugin.",
    cause: "A typing mistake, or the plugin lives in a registry that is not configured here.",
    remedy: "`berth search` finds plugins; `berth registry list` shows which registries are asked.",
  },
  CLIENT_RELEASE_UNKNOWN: {
    kind: "input",
    meaning: "The registry has no file for a release that its index announces.",
    cause: "The release was removed a moment ago, or the registry's storage is incomplete.",
    remedy: "Try again; if it stays, tell the registry's operator.",
  },
  CLIENT_TOKEN_MISSING: {
    kind: "denied",
    meaning: "A request to a registry needs a token, and none was given.",
    cause: "Publishing and changing need one; reading does not.",
    remedy: "Give it with `--token-file FILE` or in BERTH_TOKEN.",
  },
  CLIENT_DENIED: {
    kind: "denied",
    meaning: "The registry does not allow the request.",
    cause: "A token is missing, expired or for something else.",
    remedy: "Use a token with the scope that the message names.",
  },
  CLIENT_REFUSED: {
    kind: "input",
    meaning: "The registry refused a request.",
    cause: "The message and `details.registryCode` hold the registry's own reason.",
    remedy: "Correct what the registry names.",
  },
  CLIENT_CACHE_UNUSABLE: {
    kind: "environment",
    meaning: "The folder for cached answers cannot be used safely.",
    cause: "It belongs to somebody else, others may write to it, or it is a link.",
    remedy: "Remove the folder that the message names; it is made again.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ClientErrorCode = keyof typeof clientErrors;

/** What goes wrong between here and a registry. */
export class ClientError extends CodedError<ClientErrorCode> {
  constructor(code: ClientErrorCode, message: string, extras?: ErrorExtras) {
    super(clientErrors, code, message, extras);
  }
}
