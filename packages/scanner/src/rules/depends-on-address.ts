import type { Rule } from "../rule.ts";
import { objectMember, offsetOf } from "../package/unverified-manifest.ts";

export const dependsOnAddress: Rule = {
  id: "depends-on-address",
  class: "supply-chain",
  severity: "high",
  finds:
    "Dependencies that come from an address, a repository or a foreign name instead of from the registry, where nobody has scanned them.",
  remedy: "Depend on published releases by name and version.",
  package(check) {
    for (const manifest of check.view.manifests) {
      for (const group of [
        "dependencies",
        "optionalDependencies",
        "devDependencies",
        "peerDependencies",
        "bundledDependencies",
        "overrides",
        "resolutions",
      ]) {
        for (const [name, range] of Object.entries(objectMember(manifest.value, group))) {
          if (typeof range !== "string") continue;
          const place = offsetOf(manifest, group, name);
          const isDevelopment = group === "devDependencies";
          if (/^(?:https?|ftp):/iu.test(range.trim())) {
            check.report(
              manifest.path,
              place,
              `The dependency ${JSON.stringify(name.slice(0, 40))} is fetched from ${JSON.stringify(range.slice(0, 60))}; its content can change at any time.`,
              { severity: isDevelopment ? "medium" : "high" },
            );
          } else if (
            /^(?:git(?:\+\w+)?:|github:|gitlab:|bitbucket:|ssh:|git@|[\w-]+\/[\w.-]+(?:#.*)?$)/iu.test(range.trim())
          ) {
            check.report(
              manifest.path,
              place,
              `The dependency ${JSON.stringify(name.slice(0, 40))} comes from a repository, not from the registry.`,
              { severity: "medium" },
            );
          } else if (/^npm:/iu.test(range)) {
            const target = range.slice(4).replace(/(?<=.)@[^@/]*$/u, "");
            if (target !== name && !target.startsWith(name) && !name.startsWith(target))
              check.report(
                manifest.path,
                place,
                `The dependency ${JSON.stringify(name.slice(0, 40))} is in truth the package ${JSON.stringify(target.slice(0, 40))}.`,
                // An alias is an ordinary thing; under a name that everybody trusts it is a disguise.
                { severity: check.view.knownNames.some((known) => known.name === name) ? "medium" : "low" },
              );
          } else if (/^file:\.\.|^link:/iu.test(range)) {
            check.report(
              manifest.path,
              place,
              `The dependency ${JSON.stringify(name.slice(0, 40))} lies outside the package.`,
              { severity: "low" },
            );
          }
        }
      }
    }
  },
};
