import assert from "node:assert/strict";
import test from "node:test";

import { replaceEnvelopes } from "@berth/archive";
import { DEPLOYMENT_ENVELOPE, RELEASE_ENVELOPE, openPackage } from "@berth/host";
import type { Host, HostOptions, OpenedPackage } from "@berth/host";
import { generateDeploymentKey, generatePublisherKey, signDeployment, signRelease } from "@berth/trust";
import type { DeploymentKey, PrivateKey } from "@berth/trust";

import { agree } from "./graph/builders.ts";
import { install, key as publisherKey, makePackage, withHost } from "./fixture.ts";
import type { MadePackage } from "./fixture.ts";

const secret = generateDeploymentKey("ours.example");
const NOW = new Date("2026-01-10T00:00:00.000Z");
const TIME = "2026-01-01T00:00:00.000Z";
const EXPIRES = "2026-02-01T00:00:00.000Z";

const ours: Partial<HostOptions<string>> = {
  policy: { repository: "ours.example" },
  deploymentKeys: () => Promise.resolve([secret]),
  now: () => NOW,
};

interface Deployed extends MadePackage {
  readonly by?: DeploymentKey;
  readonly alsoSignedBy?: PrivateKey;
}

/** A package that only a deployment's secret vouches for, or another key too. */
function deployed({ by = secret, alsoSignedBy, ...parts }: Deployed = {}): Uint8Array {
  const signed = makePackage(parts);
  const { unverifiedManifest, contentDigest }: OpenedPackage = openPackage(signed);
  const facts = { plugin: unverifiedManifest.id, version: unverifiedManifest.version, contentDigest, time: TIME };
  return replaceEnvelopes(
    signed,
    new Map([
      [DEPLOYMENT_ENVELOPE, signDeployment({ ...facts, expires: EXPIRES }, by)],
      ...(alsoSignedBy === undefined ? [] : [[RELEASE_ENVELOPE, signRelease(facts, alsoSignedBy)] as const]),
    ]),
  );
}

const installDeployed = async (host: Host<string>, bytes: Uint8Array): Promise<void> => {
  await host.install(await host.plan(bytes), { grant: [] });
};

test("a package that only the deployment signed is installed, and the journal says who vouched", () =>
  withHost(async (host) => {
    const { signer } = await host.plan(deployed());
    assert.deepEqual(
      [signer.status, signer.keyId, signer.status === "deployment" && [signer.repository, signer.expires]],
      ["deployment", secret.keyId, ["ours.example", EXPIRES]],
    );
    await installDeployed(host, deployed());
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
    const [trust] = (await host.journal()).filter(({ kind }) => kind === "trust");
    assert.deepEqual(
      [trust?.subject, trust?.detail],
      [secret.keyId, `from your deployment ours.example, signed until ${EXPIRES}`],
    );
    assert.deepEqual(await host.trustedKeys(), [], "no key is pinned");
    await installDeployed(host, deployed({ version: "1.1.0" }));
  }, ours));

test("nobody's secret counts where the policy names no repository, or no key is there", async () => {
  for (const options of [
    { ...ours, policy: {} },
    { policy: { repository: "ours.example" }, now: () => NOW },
    { ...ours, deploymentKeys: () => Promise.resolve([]) },
  ]) {
    await withHost((host) => assert.rejects(host.plan(deployed()), { code: "HOST_DEPLOYMENT_REFUSED" }), options);
  }
  const misfit = { ...ours, policy: { repository: "other.example" } };
  await withHost((host) => assert.rejects(host.plan(deployed()), { code: "HOST_DEPLOYMENT_KEY_MISFIT" }), misfit);
});

test("another secret, a forged one, and a statement for something else are refused", () =>
  withHost(async (host) => {
    const stranger = generateDeploymentKey("ours.example");
    await assert.rejects(host.plan(deployed({ by: stranger })), { code: "TRUST_KEY_UNKNOWN" });
    const forged = { ...stranger, keyId: secret.keyId };
    await assert.rejects(host.plan(deployed({ by: forged })), { code: "TRUST_SIGNATURE_WRONG" });
    const { contentDigest } = openPackage(makePackage());
    const about = { plugin: "acme.demo", version: "2.0.0", contentDigest, time: TIME, expires: EXPIRES };
    const moved = replaceEnvelopes(makePackage(), new Map([[DEPLOYMENT_ENVELOPE, signDeployment(about, secret)]]));
    await assert.rejects(host.plan(moved), { code: "TRUST_VERSION_WRONG" });
    // A publisher's envelope under the deployment's name is another purpose.
    const { envelope } = openPackage(makePackage());
    assert.ok(envelope);
    const renamed = replaceEnvelopes(makePackage(), new Map([[DEPLOYMENT_ENVELOPE, envelope]]));
    await assert.rejects(host.plan(renamed), { code: "TRUST_PURPOSE_WRONG" });
    assert.deepEqual(await host.list(), []);
  }, ours));

test("whoever holds the secret cannot replace a publisher who has a public key", () =>
  withHost(async (host) => {
    await install(host);
    const evil = "var berthPlugin = { actions: { echo: () => 'evil' } };";
    const refused = { code: "HOST_DEPLOYMENT_REFUSED" };
    // As an update, as another plugin of the same publisher, and through the graph.
    await assert.rejects(host.plan(deployed({ version: "1.1.0", code: evil })), refused);
    await assert.rejects(host.plan(deployed({ id: "acme.other" })), refused);
    await assert.rejects(host.planGraph({ packages: [deployed({ version: "1.1.0", code: evil })] }), refused);
    // With a key of their own beside the secret, the key is what is looked at.
    const attacker = generatePublisherKey();
    const both = deployed({ version: "1.1.0", code: evil, alsoSignedBy: attacker });
    await assert.rejects(host.plan(both), { code: "HOST_KEY_CHANGED" });
    // Nor after an uninstall: what is trusted stays trusted.
    await host.uninstall("acme.demo");
    await assert.rejects(host.plan(deployed({ version: "1.1.0", code: evil })), refused);
    await install(host);
    assert.equal(await host.call("acme.demo", "echo", "honest"), "honest");
  }, ours));

test("a public key ends what the secret may say, also for a plan that was made before", () =>
  withHost(async (host) => {
    await installDeployed(host, deployed());
    const early = await host.plan(deployed({ version: "1.1.0" }));
    await host.trustKey("acme", publisherKey);
    await assert.rejects(host.install(early, { grant: [] }), { code: "HOST_DEPLOYMENT_REFUSED" });
    await assert.rejects(host.plan(deployed({ version: "1.2.0" })), { code: "HOST_DEPLOYMENT_REFUSED" });
    assert.equal(await host.call("acme.demo", "echo", 1), 1, "what is installed stays");
    await install(host, makePackage({ version: "1.3.0" }));
  }, ours));

test("one install cannot pin a publisher's key and take the secret's word beside it", () =>
  withHost(async (host) => {
    const packages = [makePackage({ id: "acme.signed" }), deployed({ id: "acme.unsigned" })];
    for (const order of [packages, packages.toReversed()])
      await assert.rejects(host.planGraph({ packages: order }), { code: "HOST_KEY_CHANGED" });
    const plan = await host.planGraph({ packages: [deployed(), deployed({ id: "acme.other" })] });
    await host.installGraph(plan, agree(plan));
    assert.equal((await host.list()).length, 2);
  }, ours));

test("a statement that has ended is not installed, and ends nothing that is", async () => {
  let now = NOW;
  await withHost(
    async (host) => {
      await installDeployed(host, deployed());
      const waiting = await host.plan(deployed({ version: "1.1.0" }));
      now = new Date(EXPIRES);
      await assert.rejects(host.install(waiting, { grant: [] }), { code: "HOST_PLAN_STALE" });
      await assert.rejects(host.plan(deployed({ version: "1.1.0" })), { code: "TRUST_STATEMENT_EXPIRED" });
      assert.equal(await host.call("acme.demo", "echo", 1), 1);
    },
    { ...ours, now: () => now },
  );
});
