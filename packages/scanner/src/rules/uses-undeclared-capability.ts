import type { PackageCheck, Rule } from "../rule.ts";
import type { CapabilityName } from "../package/capabilities.ts";
import { permissionsOf } from "../package/unverified-manifest.ts";

/** How a declared permission's name says that it covers a capability. */
const COVERS: Readonly<Record<CapabilityName, RegExp>> = {
  network: /net|http|fetch|internet|url|host|socket|web|request|api/iu,
  files: /file|fs\b|fs[:_.]|disk|path|storage|folder/iu,
  process: /exec|process|shell|command|spawn|system|subprocess|worker/iu,
  environment: /env|config|setting|process/iu,
  clipboard: /clipboard/iu,
  native: /native|exec|process|system/iu,
  machine: /system|machine|os\b|device|process|host_info/iu,
  secrets: /secret|credential|keychain|vault/iu,
};
const EVERYTHING = /^(?:\*|all|full|any|<all_urls>|root|admin)$/iu;

const WORDS: Readonly<Record<CapabilityName, string>> = {
  network: "the network",
  files: "files",
  process: "other programs",
  environment: "environment variables",
  clipboard: "the clipboard",
  native: "native code",
  machine: "details of the machine",
  secrets: "stored secrets",
};

export const usesUndeclaredCapability: Rule = {
  id: "uses-undeclared-capability",
  class: "package",
  severity: "high",
  finds:
    "Code that uses the network, files, programs or other powers for which the plugin's manifest asks no permission.",
  remedy: "Declare the permission with its reason, or remove the use.",
  package(check) {
    const manifest = check.view.manifests.find((one) => one.kind !== "npm");
    if (manifest === undefined || !check.view.isWhole) return;
    const isPlugin =
      Object.hasOwn(manifest.value, "id") ||
      Object.hasOwn(manifest.value, "permissions") ||
      Object.hasOwn(manifest.value, "api");
    if (!isPlugin) return;
    const declared = permissionsOf(manifest) ?? [];
    if (declared.some((name) => EVERYTHING.test(name))) return;
    reportForeignHosts(check, manifest.path, declared);
    const seen = new Set<string>();
    for (const use of check.view.uses) {
      // Tests and tools beside the plugin are not run by the host.
      if (check.view.reached?.has(use.path) === false) continue;
      if (seen.has(use.capability) || declared.some((name) => COVERS[use.capability].test(name))) continue;
      seen.add(use.capability);
      const isMild = use.capability === "environment" || use.capability === "machine";
      check.report(
        use.path,
        use.start,
        `This uses ${WORDS[use.capability]} (${use.through}), but ${manifest.path} asks for no such permission.`,
        { severity: isMild ? "medium" : "high" },
      );
    }
  },
};

/** `network:api.acme.dev`, `http:https://*.acme.dev/`: a permission that names the host it is for. */
const HOST = /^[a-z_.]*(?:net|http|fetch|host|url)[a-z_.]*:(?:[a-z]+:\/\/)?((?:\*\.)?[\w-]+(?:\.[\w-]+)+)/iu;

/** Hosts that the code names, when every network permission names hosts and these are not among them. */
function reportForeignHosts(check: PackageCheck, manifest: string, declared: readonly string[]): void {
  const network = declared.filter((name) => COVERS.network.test(name));
  const allowed = network.flatMap((name) => HOST.exec(name)?.[1]?.toLowerCase() ?? []);
  if (allowed.length === 0 || allowed.length < network.length) return;
  const covers = (pattern: string, host: string): boolean =>
    pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
  for (const { path, host } of check.view.hosts) {
    if (check.view.reached?.has(path) === false || allowed.some((pattern) => covers(pattern, host))) continue;
    check.report(path, 0, `This contacts ${host}, but ${manifest} asks for ${allowed.slice(0, 3).join(", ")} only.`);
  }
}
