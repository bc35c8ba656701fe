import type { Rule } from "../rule.ts";
import { duplicateMembers } from "../package/json-members.ts";
import {
  entryOf,
  isObject,
  objectMember,
  offsetOf,
  permissionsOf,
  textMember,
} from "../package/unverified-manifest.ts";

const SHADOWED =
  /^(?:git|node|npm|npx|pnpm|yarn|ls|cat|cp|mv|rm|sh|bash|zsh|curl|wget|ssh|sudo|python3?|pip3?|docker|kubectl|aws|gcloud|code|make|grep|find|cd|echo|env|test|kill|ps|tar|vim?|nano|gpg|tsc|deno|bun|go|cargo|brew|apt|gh)$/u;

export const confusesManifests: Rule = {
  id: "confuses-manifests",
  class: "package",
  severity: "high",
  finds:
    "Manifests of one package that contradict each other or themselves, so that a reviewer reads one thing and a machine runs another.",
  remedy: "Keep one manifest, or make them agree.",
  package(check) {
    const { manifests, files, isWhole } = check.view;
    const npm = manifests.find((manifest) => manifest.kind === "npm");
    const own = manifests.filter((manifest) => manifest.kind !== "npm");
    for (const manifest of manifests) {
      for (const member of duplicateMembers(manifest.text)) {
        check.report(
          manifest.path,
          member.offset,
          `The member ${JSON.stringify(member.name.slice(0, 40))} stands here twice; readers disagree on which one counts.`,
          {},
        );
      }
      for (const name of Object.keys(manifest.value)) {
        if (/[^\x20-\x7e]/u.test(name))
          check.report(
            manifest.path,
            offsetOf(manifest, name),
            `The member ${JSON.stringify(name.slice(0, 40))} holds letters that only look like ordinary ones.`,
            {},
          );
      }
      if (Object.hasOwn(manifest.value, "__proto__"))
        check.report(
          manifest.path,
          offsetOf(manifest, "__proto__"),
          "A member `__proto__` stands in the manifest.",
          {},
        );
      const entry = entryOf(manifest);
      if (entry === undefined) continue;
      const folder = manifest.path.includes("/") ? manifest.path.slice(0, manifest.path.lastIndexOf("/") + 1) : "";
      if (entry.startsWith("../") || entry.startsWith("/") || /^(?:https?|data):/u.test(entry))
        check.report(
          manifest.path,
          offsetOf(manifest, "main"),
          `The entry ${JSON.stringify(entry.slice(0, 60))} lies outside the package.`,
          {},
        );
      else if (isWhole && manifest.kind !== "npm" && !has(files, folder + entry))
        check.report(
          manifest.path,
          offsetOf(manifest, "main"),
          `The entry ${JSON.stringify(entry.slice(0, 60))} is not in the package.`,
          { severity: "medium", confidence: "medium" },
        );
    }
    if (npm !== undefined) {
      const bin = npm.value["bin"];
      const commands = isObject(bin)
        ? Object.keys(bin)
        : typeof bin === "string"
          ? [textMember(npm.value, "name") ?? ""]
          : [];
      for (const command of commands) {
        if (SHADOWED.test(command) && command !== textMember(npm.value, "name"))
          check.report(
            npm.path,
            offsetOf(npm, "bin", command),
            `The package installs a command named ${JSON.stringify(command)}, in place of the one that users mean.`,
            {},
          );
      }
    }
    for (const manifest of own) {
      if (npm === undefined) break;
      const [a, b] = [entryOf(npm), entryOf(manifest)];
      if (a !== undefined && b !== undefined && same(a) !== same(b))
        check.report(
          npm.path,
          offsetOf(npm, "main"),
          `${npm.path} starts ${JSON.stringify(a.slice(0, 60))}, but ${manifest.path} says ${JSON.stringify(b.slice(0, 60))}.`,
          {},
        );
      const [versionA, versionB] = [textMember(npm.value, "version"), textMember(manifest.value, "version")];
      if (versionA !== undefined && versionB !== undefined && versionA !== versionB)
        check.report(
          manifest.path,
          offsetOf(manifest, "version"),
          `The manifests name different versions (${JSON.stringify(versionA.slice(0, 20))}, ${JSON.stringify(versionB.slice(0, 20))}).`,
          { severity: "medium" },
        );
      const [nameA, nameB] = [
        textMember(npm.value, "name"),
        textMember(manifest.value, "id") ?? textMember(manifest.value, "name"),
      ];
      if (nameA !== undefined && nameB !== undefined && !related(nameA, nameB))
        check.report(
          manifest.path,
          offsetOf(manifest, "id"),
          `The manifests name different packages (${JSON.stringify(nameA.slice(0, 40))}, ${JSON.stringify(nameB.slice(0, 40))}).`,
          { severity: "medium" },
        );
      const [grantsA, grantsB] = [permissionsOf(npm), permissionsOf(manifest)];
      if (grantsA !== undefined && grantsB !== undefined && grantsA.toSorted().join() !== grantsB.toSorted().join())
        check.report(npm.path, offsetOf(npm, "permissions"), "The manifests ask for different permissions.", {});
      if (
        Object.keys(objectMember(manifest.value, "dependencies")).length === 0 &&
        Object.hasOwn(manifest.value, "dependencies") &&
        Object.keys(objectMember(npm.value, "dependencies")).length > 0
      )
        check.report(
          npm.path,
          offsetOf(npm, "dependencies"),
          "One manifest hides the dependencies that the other one has.",
          { severity: "medium" },
        );
    }
    const [first, second] = own;
    if (
      first !== undefined &&
      second !== undefined &&
      (textMember(first.value, "id") !== textMember(second.value, "id") || entryOf(first) !== entryOf(second))
    ) {
      check.report(second.path, 0, `${first.path} and ${second.path} describe different plugins.`, {});
    }
  },
};

const same = (entry: string): string =>
  entry
    .replace(/^\.\//u, "")
    .replace(/\.(?:[cm]?js|ts)$/u, "")
    .replace(/\/index$/u, "");

function has(files: ReadonlyMap<string, unknown>, path: string): boolean {
  return [path, `${path}.js`, `${path}.ts`, `${path}/index.js`, path.replace(/\.js$/u, ".ts")].some((one) =>
    files.has(one),
  );
}

function related(a: string, b: string): boolean {
  const [x, y] = [a, b].map((name) =>
    name
      .toLowerCase()
      .split(/[^a-z0-9]+/u)
      .filter((part) => part.length > 0),
  );
  return (
    (x ?? []).some((part) => (y ?? []).includes(part)) ||
    a.replaceAll(/\W/gu, "").includes(b.replaceAll(/\W/gu, "")) ||
    b.replaceAll(/\W/gu, "").includes(a.replaceAll(/\W/gu, ""))
  );
}
