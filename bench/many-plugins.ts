// Many plugins in one data directory, through the same plans, scans and transactions as any install.
import type { Host } from "@berth/host";
import { makeRelease } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

/** A plan's limit is 1,000. */
const AT_A_TIME = 500;
const CODE = `var berthPlugin = { actions: { echo: (value) => value } };`;
const VALUE = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};
/** As many as an ordinary plugin has. */
const ACTIONS = ["echo", "find", "read", "write", "list"];

export const idOf = (index: number): string => `bench.p${index}`;

/** Installs `bench.p0` to `bench.p(count-1)`, packed and signed like any other. */
export async function installMany(host: Host, count: number): Promise<void> {
  const key = generatePublisherKey();
  const actions = Object.fromEntries(ACTIONS.map((name) => [name, { input: VALUE, output: VALUE }]));
  for (let first = 0; first < count; first += AT_A_TIME) {
    const packages = Array.from(
      { length: Math.min(AT_A_TIME, count - first) },
      (_, at) => makeRelease({ id: idOf(first + at), key, code: CODE, manifest: { contributes: { actions } } }).bytes,
    );
    const plan = await host.planGraph({ packages });
    await host.installGraph(plan, { grants: {}, trustKeys: [key.keyId], confirmedScans: [] });
  }
}
