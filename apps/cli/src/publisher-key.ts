import { access } from "node:fs/promises";
import { join } from "node:path";

import { quote } from "@berth/base";
import { readKeyFile } from "@berth/trust";
import type { PrivateKey } from "@berth/trust";

import type { Invocation } from "./command.ts";
import { CliError } from "./errors.ts";

/** Where `berth keys create` puts the publisher's private key unless told otherwise. */
export function publisherKeyFile({ text, dataDir }: Invocation): string {
  return text("key") ?? join(dataDir, "keys", "publisher.key");
}

/** @throws CliError CLI_FILE_UNREADABLE when there is no key yet; TrustError */
export async function readPublisherKey(invocation: Invocation): Promise<PrivateKey> {
  const file = publisherKeyFile(invocation);
  try {
    await access(file);
  } catch (error) {
    // For anything but a missing file, reading it says what is wrong.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") return readKeyFile(file);
    throw new CliError("CLI_FILE_UNREADABLE", `there is no private key at ${quote(file, 200)}`, {
      cause: error,
      hint: "Make one: berth keys create",
    });
  }
  return readKeyFile(file, () => askPassphrase(invocation, file));
}

/** BERTH_KEY_PASSPHRASE, else what the person at the terminal types; `undefined` when there is neither. */
export async function askPassphrase({ terminal }: Invocation, file: string): Promise<string | undefined> {
  const given = process.env["BERTH_KEY_PASSPHRASE"];
  if (given !== undefined && given !== "") return given;
  return terminal.isInteractive ? terminal.askSecret(`Passphrase of ${quote(file, 200)}`) : undefined;
}

/**
 * The passphrase for a new key; `undefined` leaves it unencrypted, because the person typed nothing or
 * nobody is there to ask.
 *
 * @throws CliError CLI_PASSPHRASE_DIFFERS
 */
export async function chooseNewPassphrase({ terminal, isSet }: Invocation): Promise<string | undefined> {
  if (isSet("no-passphrase")) return undefined;
  const given = process.env["BERTH_KEY_PASSPHRASE"];
  if (given !== undefined && given !== "") return given;
  if (!terminal.isInteractive) return undefined;
  const passphrase = await terminal.askSecret("Passphrase for the new key (empty: store it unencrypted)");
  if (passphrase === "") return undefined;
  if ((await terminal.askSecret("The same again")) !== passphrase)
    throw new CliError("CLI_PASSPHRASE_DIFFERS", "the two passphrases differ; no key was made");
  return passphrase;
}
