import type { Rule } from "../rule.ts";

/** Bits for each character: readable code lies near 4.7 to 5.2, packed code and base64 near 6. */
const ENTROPY_JUMP = 0.7;

export const differsFromPrevious: Rule = {
  id: "differs-from-previous",
  class: "supply-chain",
  severity: "medium",
  finds:
    "What a release asks for, contacts or does that the release before did not: permissions, hosts, powers, dependencies, install scripts, another publisher, denser code.",
  remedy: "Compare the two releases; install the new one when the change is explained.",
  package({ view, report }) {
    const { previous, traits } = view;
    if (previous === undefined) return;
    const at = view.manifests[0]?.path ?? [...view.files.keys()][0] ?? "";
    const added = (now: ReadonlySet<string>, before: ReadonlySet<string>): string =>
      [...now]
        .filter((one) => !before.has(one))
        .slice(0, 5)
        .map((one) => JSON.stringify(one.slice(0, 60)))
        .join(", ");
    const changes = [
      { what: "runs scripts at installation", names: added(traits.scripts, previous.scripts), isGrave: true },
      { what: "uses", names: added(traits.capabilities, previous.capabilities), isGrave: true },
      { what: "asks for", names: added(traits.permissions, previous.permissions), isGrave: false },
      { what: "contacts", names: added(traits.hosts, previous.hosts), isGrave: false },
      { what: "depends on", names: added(traits.dependencies, previous.dependencies), isGrave: false },
    ].filter(({ names }) => names !== "");
    const isOther = traits.publisher !== previous.publisher;
    if (isOther)
      changes.unshift({ what: "comes from", names: JSON.stringify(traits.publisher ?? "nobody"), isGrave: true });
    if (changes.length > 0) {
      const graves = changes.filter(({ isGrave }) => isGrave).length;
      const list = changes.map(({ what, names }) => `${what} ${names}`).join("; ");
      report(at, 0, `Unlike the release before, this one ${list}.`, {
        severity: isOther || graves > 1 ? "high" : graves === 1 ? "medium" : "low",
      });
    }
    for (const [path, entropy] of traits.entropies) {
      const before = previous.entropies.get(path);
      if (before === undefined || entropy - before < ENTROPY_JUMP) continue;
      report(
        path,
        0,
        `The text of this file is much denser than in the release before (${before.toFixed(1)} → ${entropy.toFixed(1)} bits for each character): it may have been packed.`,
        {},
      );
    }
  },
};
