import { CodedError, quote, sanitize } from "@berth/base";
import type { ErrorReport, ErrorRow } from "@berth/base";
import { hostErrors } from "@berth/host";
import type { DiscoveredDevelopment, DiscoveredPackage, DiscoveredPlugin, SearchedFolder } from "@berth/host";
import { formatBytes } from "@berth/spec";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { resolveFolder } from "../files.ts";
import { describeSigner } from "../install-consent.ts";
import { tryFormatShellWord } from "../shell-word.ts";
import { withHost } from "../with-host.ts";

const MAX_WORDS = 400;
const MAX_PATH = 1_000;

export const command: Command = {
  summary: "list the packages and development folders that lie in folders; installs and runs nothing",
  usage: "[DIR …]",
  async run(invocation) {
    const named = invocation.args.map((folder) => resolveFolder(folder, "a folder to look in"));
    const { folders, found } = await withHost(invocation, (host) =>
      host.discover(named.length === 0 ? {} : { folders: named }),
    );
    const [first] = folders;
    if (first === undefined) {
      throw new CliError("CLI_USAGE", "expected folders to look in, and the host has none of its own", {
        hint: "berth discover DIR …, or berth host start --plugin-folder DIR",
      });
    }
    if (first.error !== undefined && folders.every(({ error }) => error !== undefined)) {
      throw refused(
        first.error.code,
        folders.flatMap(({ error }) => error?.message ?? []),
      );
    }
    const lines = [
      ...found.flatMap(describe),
      ...folders.flatMap((folder) => noteOn(folder)),
      found.length === 0
        ? `no plugin lies in ${folders.map(({ path }) => quote(path, MAX_PATH)).join(", ")}, or in a folder directly in it`
        : "Nothing of this was installed, trusted or run.",
    ];
    return { json: { ok: true, folders, found }, text: lines.join("\n") };
  },
};

/** The first folder's refusal, as if it had been thrown here, with what is said of the others. */
function refused(code: string, messages: readonly string[]): Error {
  const row = new Map<string, ErrorRow>(Object.entries(hostErrors)).get(code);
  const { kind } = row ?? { kind: "internal" as const };
  return new CodedError({ [code]: { kind, meaning: "", cause: "", remedy: "" } }, code, messages.join("; "));
}

function describe(plugin: DiscoveredPlugin): string[] {
  const { id, version, displayName, installed, claimants, error, path } = plugin;
  const others = claimants - 1;
  return [
    id === undefined ? "(no plugin can be read)" : `${id} ${version}  ${sanitize(displayName ?? "")}`,
    ...(plugin.kind === "package" ? aboutPackage(plugin) : aboutDevelopment(plugin)),
    ...(installed === undefined
      ? []
      : [`  installed  ${installed.isThis ? "this" : "another"}: ${installed.version}, ${installed.state}`]),
    ...(error === undefined ? [] : refusal(error)),
    ...(others > 0
      ? [`  ! ${others} more of this list ${others === 1 ? "claims" : "claim"} to be ${id}: compare who vouches`]
      : []),
    ...(error === undefined && installed?.isThis !== true ? [wayOf(plugin.kind, path)] : []),
  ];
}

function aboutPackage({ path, sizeBytes, signer }: DiscoveredPackage): string[] {
  const size = sizeBytes === undefined ? "" : ` (${formatBytes(sizeBytes)})`;
  return [
    `  package    ${sanitize(path, MAX_PATH)}${size}`,
    ...(signer === undefined ? [] : [`  signed by  ${whoSigned(signer)}`]),
  ];
}

const whoSigned = (signer: NonNullable<DiscoveredPackage["signer"]>): string =>
  signer.status === "unchecked-deployment"
    ? `nobody of ${signer.publisher}: from your deployment ${sanitize(signer.repository)}, it says; installing it checks that`
    : describeSigner(signer);

function aboutDevelopment({ path, id, state }: DiscoveredDevelopment): string[] {
  const opened = state === undefined ? "" : `; a development folder of this host: ${state}`;
  return [
    `  folder     ${sanitize(path, MAX_PATH)}`,
    ...(id === undefined ? [] : [`  unsigned   nobody vouches for it, and it has no rights${opened}`]),
  ];
}

function refusal({ message, code, hint }: ErrorReport): string[] {
  const [first = "", ...more] = message.split("\n");
  // What is cut does not tell how much there was.
  const count = message.endsWith("…") ? "" : `${more.length} `;
  const rest = more.length === 0 ? "" : `, and ${count}more`;
  return [
    `  refused    ${sanitize(first, MAX_WORDS)}${rest} (${code})`,
    ...(hint === undefined ? [] : [`             ${sanitize(hint, MAX_WORDS)}`]),
  ];
}

/** A command that does what it shows when it is copied, whatever a stranger called the file. */
function wayOf(kind: DiscoveredPlugin["kind"], path: string): string {
  const word = tryFormatShellWord(path);
  if (word === undefined) return "  ! its name has characters that cannot be shown; rename it before you use it";
  return kind === "package"
    ? `  to install berth install ${word}`
    : `  to run     berth dev ${word}, or developmentFolders in code`;
}

function noteOn({ path, isWhole, links, error }: SearchedFolder): string[] {
  const name = quote(path, MAX_PATH);
  if (error !== undefined) return [`! ${sanitize(error.message, MAX_WORDS)} (${error.code})`];
  return [
    ...(isWhole ? [] : [`! ${name} holds more than is listed`]),
    ...(links === 0
      ? []
      : [`! ${links === 1 ? "a symbolic link" : `${links} symbolic links`} in ${name} not followed`]),
  ];
}
