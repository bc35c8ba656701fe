import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import type { Invocation } from "../src/command.ts";
import type { ShownPlan } from "../src/host-access.ts";
import { consentByOptions, consentByPerson } from "../src/install-consent.ts";
import { berthIn } from "./berth.ts";

const { folder, ok, refused, run } = berthIn("berth install-");

/** Packs the plugin of these tests at a version; gives the file. */
function pack(version: string): string {
  const manifest = join(folder, "words/manifest.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`));
  ok(["pack", "words"]);
  return `acme.words-${version}.berth`;
}

test("the deployment's secret signs, verifies and installs, and ends where a publisher's key begins", () => {
  ok(["create", "words", "--publisher", "acme"]);
  refused(["keys", "create-deployment"], "CLI_USAGE", 2);
  const made = ok(["keys", "create-deployment", "--repository", "ours.example", "--no-passphrase"]);
  const secret = join(folder, "state/keys/deployment.key");
  assert.deepEqual([made["repository"], made["file"]], ["ours.example", secret]);
  refused(["keys", "create-deployment", "--repository", "ours.example"], "TRUST_KEY_FILE_EXISTS", 3);

  const file = pack("0.1.0");
  refused(["sign", file, "--deployment-key", secret, "--days", "0"], "CLI_USAGE", 2);
  refused(["sign", file, "--deployment-key", secret, "--days", "401"], "CLI_USAGE", 2);
  refused(["sign", file, "--deployment-key", secret, "--repository", "other"], "CLI_USAGE", 2);
  const { expires, keyId } = ok(["sign", file, "--deployment-key", secret, "--days", "30"]) as Record<string, string>;
  const days = (Date.parse(expires ?? "") - Date.now()) / 86_400_000;
  assert.ok(days > 29 && days <= 30);
  const { signer } = ok(["verify", file, "--deployment-key", secret]) as { signer: Record<string, string> };
  assert.deepEqual([signer["keyId"], signer["repository"]], [keyId, "ours.example"]);
  refused(["verify", file], "HOST_PACKAGE_UNSIGNED", 4);

  // Nothing is said in the policy yet: the key file alone opens nothing.
  refused(["install", file, "--yes"], "HOST_DEPLOYMENT_REFUSED", 4);
  writeFileSync(join(folder, "state/policy.json"), '{"repository": "ours.example"}');
  const question = run(["install", file]);
  assert.match(question.stderr, /CLI_CONSENT_NEEDED|needs your answer/);
  ok(["install", file, "--yes"]);
  assert.deepEqual(ok(["run", "acme.words", "count-words", "--input", "-"], '{"text":"a b"}')["output"], {
    words: 2,
    uses: 1,
  });
  assert.match(JSON.stringify(ok(["journal"])["entries"]), /from your deployment ours\.example/);

  // The publisher comes with a key; from then on the secret is worth nothing for the name.
  const { keyId: publisher } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  const signed = pack("0.2.0");
  ok(["sign", signed]);
  ok(["install", signed, "--yes", "--trust", publisher]);
  const forged = pack("0.3.0");
  ok(["sign", forged, "--deployment-key", secret]);
  refused(["install", forged, "--yes"], "HOST_DEPLOYMENT_REFUSED", 4);
});

test("a lower version needs --allow-downgrade", () => {
  const old = pack("0.1.5");
  ok(["sign", old]);
  refused(["install", old, "--yes"], "CLI_CONSENT_NEEDED", 4);
  const { stderr } = run(["install", old, "--yes"]);
  assert.match(stderr, /lower than the installed 0\.2\.0/);
  assert.match(stderr, /--allow-downgrade/);
  assert.equal((ok(["list"])["plugins"] as { version: string }[])[0]?.version, "0.2.0");
  ok(["install", old, "--yes", "--allow-downgrade"]);
  assert.equal((ok(["list"])["plugins"] as { version: string }[])[0]?.version, "0.1.5");
});

test("the question at the terminal names what goes back, and whose word a deployment's is", async () => {
  const said: string[] = [];
  const terminal = {
    isInteractive: true,
    say: (text: string) => said.push(text),
    confirm: async (question: string) => said.push(question) > 0,
  };
  const member = {
    manifest: { id: "acme.words", version: "0.1.0", displayName: "Words", description: "Counts." },
    signer: { publisher: "acme", keyId: `sha256:${"ab".repeat(32)}`, status: "deployment", repository: "ours.example" },
    permissions: [],
    warnings: [],
    level: "standard",
    limits: { memoryMiB: 1, cpuMs: 1, wallMs: 1 },
    reducedBy: [],
    replaces: "0.2.0",
    isDowngrade: true,
    neededBy: [],
    scan: { verdict: "clean", score: 100, findings: [] },
  };
  const plan = { members: [member], newlyAsked: {}, origins: [] } as unknown as ShownPlan;
  const consent = await consentByPerson({ terminal } as unknown as Invocation, plan);
  assert.deepEqual([consent.downgrades, consent.trustKeys], [["acme.words"], []]);
  assert.match(said[0] ?? "", /signed by {2}nobody of acme: from your deployment ours\.example/);
  assert.match(said[1] ?? "", /^Install, going back to lower versions of acme\.words\?/);
});

test("a key that would be two publishers' is confirmed for each of them", () => {
  const memberOf = (publisher: string): object => ({
    manifest: { id: `${publisher}.demo`, version: "1.0.0" },
    permissions: [],
    signer: { status: "first-use", publisher, keyId: "k1", fingerprint: "SHA256:abc", alsoTrustedFor: [] },
    isDowngrade: false,
    needsConfirmation: false,
  });
  const planOf = (...publishers: string[]): ShownPlan =>
    ({ members: publishers.map(memberOf), newlyAsked: {}, origins: [] }) as unknown as ShownPlan;
  const trusting = (...keys: string[]): Invocation =>
    ({ list: (name: string) => (name === "trust" ? keys : []), isSet: () => false }) as unknown as Invocation;
  assert.deepEqual(consentByOptions(trusting("k1"), planOf("mallory")).trustKeys, ["k1"]);
  const both = planOf("mallory", "acme");
  for (const keys of [["k1"], ["SHA256:abc"], ["mallory:k1"]])
    assert.throws(() => consentByOptions(trusting(...keys), both), {
      code: "CLI_CONSENT_NEEDED",
      message: /^acme is new/m,
    });
  assert.deepEqual(consentByOptions(trusting("mallory:k1", "acme:k1"), both).trustKeys, ["k1"]);
});

test("a refusal without a terminal shows the plan, and names the options that it needs and no other", async () => {
  const plain = {
    warnings: [],
    level: "standard",
    limits: { memoryMiB: 1, cpuMs: 1, wallMs: 1 },
    reducedBy: [],
    isDowngrade: false,
    needsConfirmation: false,
    neededBy: [],
    permissions: [],
    scan: { verdict: "clean", score: 100, findings: [] },
    signer: { status: "trusted", publisher: "acme", keyId: "k1", fingerprint: "SHA256:abc", alsoTrustedFor: [] },
    askedRange: "*",
  };
  const words = { id: "acme.words", version: "1.0.0", displayName: "Words", description: "Counts." };
  const asks = (name: string, more: object = {}): object => ({
    permission: { name },
    text: `Use ${name}.`,
    reason: "to test",
    isOptional: false,
    isGranted: false,
    ...more,
  });
  const demanding = {
    ...plain,
    manifest: { id: "mallory.tools", version: "0.1.0", displayName: "Tools", description: "Does." },
    permissions: [
      asks("secrets_access"),
      asks("secrets_access"),
      asks("network_restricted", { isOptional: true }),
      asks("user_data_access", { isGranted: true }),
    ],
    signer: { ...plain.signer, status: "first-use", publisher: "mallory", alsoTrustedFor: ["acme", "bob\u202e"] },
    isDowngrade: true,
    needsConfirmation: true,
  };
  const planOf = (...members: object[]): ShownPlan =>
    ({ members, newlyAsked: {}, origins: [] }) as unknown as ShownPlan;
  const nobody = { terminal: { isInteractive: false } } as unknown as Invocation;
  const hintOf = (error: unknown): string => (error as { hint: string }).hint;
  await assert.rejects(consentByPerson(nobody, planOf({ ...plain, manifest: words })), (error) => {
    assert.equal(hintOf(error), "To agree: --yes");
    return true;
  });
  const options = "--grant mallory.tools:secrets_access --trust k1 --confirm mallory.tools --allow-downgrade";
  const plan = planOf(demanding, { ...plain, manifest: words });
  await assert.rejects(consentByPerson(nobody, plan), (error) => {
    const { message } = error as Error;
    assert.match(message, /mallory\.tools 0\.1\.0, acme\.words 1\.0\.0 needs your answer[^]*asks for:/);
    // The key is no stranger: it is the other publisher's.
    assert.match(message, /! this host trusts that key already, but as a key of acme, bob\\u\{202e\}:/);
    assert.doesNotMatch(message, /\(new to this host\)/);
    assert.match(message, /everything it signs as mallory too\./);
    assert.equal(
      hintOf(error),
      `To agree (after comparing the key with the publisher's own word and reading the findings of the scan): --yes ${options}`,
    );
    return true;
  });
  // Every one of them that is missing, until none is; then the very options agree.
  const given = options.split(" --").map((option) => option.replace(/^--/, "").split(" ") as [string, string?]);
  for (let count = 0; count <= given.length; count += 1) {
    const some = given.slice(0, count);
    const invocation = {
      list: (name: string) => some.filter(([option]) => option === name).map(([, value]) => value),
      isSet: (name: string) => some.some(([option]) => option === name),
    } as unknown as Invocation;
    if (count === given.length) {
      assert.deepEqual(consentByOptions(invocation, plan).trustKeys, ["k1"]);
      continue;
    }
    const left = given.slice(count).map((parts) => `--${parts.join(" ")}`);
    assert.throws(
      () => consentByOptions(invocation, plan),
      (error) => hintOf(error).startsWith("To agree, add") && hintOf(error).endsWith(`: ${left.join(" ")}`),
    );
  }
});

test("a key that is trusted for another publisher is told as that one's", () => {
  // The key of the tests above is acme's here.
  writeFileSync(
    join(folder, "words/manifest.json"),
    readFileSync(join(folder, "words/manifest.json"), "utf8").replace('"acme.words"', '"mallory.words"'),
  );
  ok(["pack", "words"]);
  const file = "mallory.words-0.1.5.berth";
  ok(["sign", file]);
  assert.match(
    run(["install", file]).stderr,
    /trusts that key already, but as a key of acme: whoever holds it now signs/,
  );
  const refusal = run(["install", file, "--yes"]).stderr;
  assert.match(
    refusal,
    /mallory is new to this host; its key is .*, which this host trusts already, but as a key of acme/,
  );
  const [, option = ""] = /--trust (\S+)/.exec(refusal) ?? [];
  ok(["install", file, "--yes", "--trust", option]);
});

test("a key or a data directory below /proc is refused, not waited for", { skip: process.platform !== "linux" }, () => {
  refused(["keys", "create", "--no-passphrase", "--key", "/proc/x/publisher.key"], "CLI_FILE_UNWRITABLE", 6);
  refused(["keys", "create", "--no-passphrase", "--key", "/proc/x"], "TRUST_KEY_FILE_UNUSABLE", 6);
  refused(["list", "--data-dir", "/proc/x"], "HOST_DATA_DIR_UNUSABLE", 6);
});
