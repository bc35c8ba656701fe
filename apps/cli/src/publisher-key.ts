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
    throw new CliError("CLI_FILE_UNREADABLE", `there is no private key at ${quote(file, 200)}`, {
      cause: error,
      hint: "Make one: berth keys create",
    });
  }
  return readKeyFile(file);
}
