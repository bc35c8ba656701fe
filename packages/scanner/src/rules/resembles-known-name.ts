import type { Rule } from "../rule.ts";
import { wellKnownBrands } from "../package/known-names.ts";
import { objectMember, offsetOf, textMember, type UnverifiedManifest } from "../package/unverified-manifest.ts";
import { resemblance, skeleton } from "../package/resemblance.ts";

const CLAIM =
  /\bofficial\b|\bverified\b|\bauthentic\b|\bgenuine\b|\bby (?:stripe|google|microsoft|github|openai)\b|\bsupport team\b|\bsecurity (?:update|patch)\b|\(tm\)|®|™|✓|✔/iu;

export const resemblesKnownName: Rule = {
  id: "resembles-known-name",
  class: "supply-chain",
  severity: "high",
  finds:
    "Names of packages, dependencies or publishers that pass for well-known ones: one letter off, parts swapped, lookalike letters, borrowed brands.",
  remedy: "Choose a name that cannot be mistaken, or correct the dependency.",
  package(check) {
    for (const manifest of check.view.manifests) {
      const name = textMember(manifest.value, "name") ?? textMember(manifest.value, "id");
      if (name !== undefined) {
        for (const part of name.includes("/") || !name.includes(".") || manifest.kind === "npm"
          ? [name]
          : name.split(".")) {
          const found = resemblance(part, check.view.knownNames);
          if (found !== undefined) {
            check.report(
              manifest.path,
              offsetOf(manifest, "name"),
              `The name ${JSON.stringify(part.slice(0, 40))} ${found.how === "looks the same" ? "looks the same as" : `${found.how} compared with`} the well-known ${JSON.stringify(found.known)}.`,
              {
                severity: found.isSure ? "high" : "medium",
                confidence: found.isSure ? "high" : found.how === "adds a harmless word" ? "high" : "medium",
              },
            );
            break;
          }
        }
        if (/[^\x20-\x7e]/u.test(name))
          check.report(
            manifest.path,
            offsetOf(manifest, "name"),
            `The name ${JSON.stringify(name.slice(0, 40))} holds letters that only look like ordinary ones.`,
            {},
          );
      }
      checkBrand(check, manifest);
      for (const group of ["dependencies", "optionalDependencies", "peerDependencies"]) {
        for (const dependency of Object.keys(objectMember(manifest.value, group))) {
          const found = resemblance(dependency, check.view.knownNames);
          if (found === undefined || found.how === "adds a harmless word") continue;
          check.report(
            manifest.path,
            offsetOf(manifest, group, dependency),
            `The dependency ${JSON.stringify(dependency.slice(0, 40))} ${found.how} compared with the well-known ${JSON.stringify(found.known)}.`,
            { severity: found.isSure ? "high" : "low" },
          );
        }
      }
    }
  },
};

const brandNames = wellKnownBrands.map((name) => ({ name, weight: 9 }));

function checkBrand(check: Parameters<NonNullable<Rule["package"]>>[0], manifest: UnverifiedManifest): void {
  const { value } = manifest;
  const id = textMember(value, "id") ?? textMember(value, "name") ?? "";
  const publisher =
    textMember(value, "publisher") ?? textMember(value, "author") ?? (id.includes(".") ? (id.split(".")[0] ?? "") : "");
  const display = textMember(value, "displayName") ?? "";
  const said = `${id} ${display} ${publisher}`;
  const near = publisher.length < 6 ? undefined : resemblance(publisher.toLowerCase(), brandNames);
  if (near?.isSure === true)
    check.report(
      manifest.path,
      offsetOf(manifest, "publisher"),
      `The publisher ${JSON.stringify(publisher.slice(0, 40))} ${near.how} compared with the well-known ${JSON.stringify(near.known)}.`,
    );
  const words = said.toLowerCase().split(/[^\p{L}\p{N}]+/u);
  const brand = wellKnownBrands.find((one) => words.includes(one));
  if (
    brand !== undefined &&
    publisher.toLowerCase() !== brand &&
    (CLAIM.test(said) ||
      words.includes("official") ||
      new RegExp(`^${brand}-?(?:inc|team|official|corp|labs|dev|support|security|io|hq)$`, "iu").test(publisher))
  ) {
    check.report(
      manifest.path,
      offsetOf(manifest, "displayName"),
      `The plugin presents itself as coming from ${JSON.stringify(brand)}, but its publisher is ${JSON.stringify(publisher.slice(0, 40) || "unknown")}.`,
      { severity: "medium" },
    );
  }
  const impostor = words.find(
    (word) =>
      word.length >= 5 &&
      !wellKnownBrands.includes(word) &&
      wellKnownBrands.some((one) => one.length >= 5 && skeleton(one) === skeleton(word)),
  );
  if (impostor !== undefined)
    check.report(
      manifest.path,
      offsetOf(manifest, "publisher"),
      `The word ${JSON.stringify(impostor.slice(0, 40))} is a well-known brand written with other letters.`,
      {},
    );
}
