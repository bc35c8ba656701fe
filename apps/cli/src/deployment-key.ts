import { access } from "node:fs/promises";
import { join } from "node:path";

import { readDeploymentKeyFile } from "@berth/trust";
import type { DeploymentKey } from "@berth/trust";

import type { Invocation } from "./command.ts";
import { askPassphrase } from "./publisher-key.ts";

/** Where a deployment's secret is kept, for the host of the data directory and for `berth keys create-deployment`. */
export const deploymentKeyFile = ({ dataDir }: Pick<Invocation, "dataDir">): string =>
  join(dataDir, "keys", "deployment.key");

/** Reads a deployment's secret from a file. @throws TrustError */
export function readDeploymentKey(invocation: Invocation, file: string): Promise<DeploymentKey> {
  return readDeploymentKeyFile(file, () => askPassphrase(invocation, file));
}

/** What the host of the data directory accepts beside publishers' keys; nothing where no secret is kept. @throws TrustError */
export async function readDeploymentKeys(invocation: Invocation): Promise<DeploymentKey[]> {
  const file = deploymentKeyFile(invocation);
  try {
    await access(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
  }
  // For anything but a missing file, reading it says what is wrong.
  return [await readDeploymentKey(invocation, file)];
}
