import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";
import { securityLevels } from "./host-facts.ts";
import type { HostFacts } from "./host-facts.ts";
import { invalid, knownMembers, list, members, number, oneOf, optional, string } from "./json-members.ts";
import type { Members } from "./json-members.ts";
import { directions, prereleaseRules, yankedRules } from "./policy.ts";
import type { Policy, Revocation } from "./policy.ts";
import type { ReleaseSource, Requirements } from "./release-source.ts";
import type { Universe } from "./universe.ts";
import { readRegistry, readRequirements } from "./universe-registry.ts";
import { Vocabulary } from "./vocabulary.ts";

/**
 * Reads a universe: `{registry, root | roots, policy?, locked?}` as in the conformance data, and beyond it
 * `host`, `revoked` and `nowMs`. Other members of the file (`id`, `expected`, `origin` …) are about the
 * case and ignored; within the registry and the policy an unknown member is an error, because ignoring it
 * could turn a conflict into a solution.
 *
 * Everything is checked here; release lists are compiled when a resolution needs them.
 *
 * @param text JSON
 * @throws ResolveError RESOLVE_UNIVERSE_INVALID with the path of the first member that is wrong.
 */
export function parseUniverse(text: string): Universe {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ResolveError("RESOLVE_UNIVERSE_INVALID", "The universe is not JSON", { cause });
  }
  const file = members(value, "the universe");
  const vocabulary = new Vocabulary();
  const source = readRegistry(file["registry"], vocabulary);
  return new UniverseReader(file, vocabulary).read(source);
}

/** Reads everything but the registry. */
class UniverseReader {
  readonly #file: Members;
  readonly #vocabulary: Vocabulary;

  constructor(file: Members, vocabulary: Vocabulary) {
    this.#file = file;
    this.#vocabulary = vocabulary;
  }

  read(source: ReleaseSource): Universe {
    const { root, roots, policy, locked, host, revoked, nowMs } = this.#file as Partial<
      Record<UniverseMember, unknown>
    >;
    if ((roots === undefined) === (root === undefined)) {
      throw invalid("the universe", "must have either root or roots");
    }
    return {
      source,
      vocabulary: this.#vocabulary,
      isList: roots !== undefined,
      rootSets:
        roots === undefined
          ? [this.#requirements(root, "root")]
          : list(roots, "roots").map((set, index) => this.#requirements(set, `roots[${index}]`)),
      request: {
        ...optional(policy, () => ({ policy: this.#policy(policy) })),
        ...optional(locked, () => ({ locked: this.#locked(locked) })),
        ...optional(host, () => ({ host: this.#host(host) })),
        ...optional(revoked, () => ({ revoked: this.#revoked(revoked) })),
        ...optional(nowMs, () => ({ nowMs: number(nowMs, "nowMs") })),
      },
    };
  }

  #requirements(value: unknown, where: string): Requirements {
    return readRequirements(value, where, this.#vocabulary);
  }

  #policy(value: unknown): Policy {
    const known = ["prerelease", "direction", "yanked", "minimumAgeMs", "minimumAgeExempt", "overrides", "constraints"];
    const policy = knownMembers(value, "policy", known);
    return {
      ...optional(policy["prerelease"], (rule) => ({ prerelease: oneOf(rule, "policy.prerelease", prereleaseRules) })),
      ...optional(policy["direction"], (end) => ({ direction: oneOf(end, "policy.direction", directions) })),
      ...optional(policy["yanked"], (rule) => ({ yanked: oneOf(rule, "policy.yanked", yankedRules) })),
      ...optional(policy["minimumAgeMs"], (ms) => ({ minimumAgeMs: number(ms, "policy.minimumAgeMs") })),
      ...optional(policy["minimumAgeExempt"], (names) => ({
        minimumAgeExempt: list(names, "policy.minimumAgeExempt").map((name) => string(name, "policy.minimumAgeExempt")),
      })),
      ...optional(policy["overrides"], (ranges) => ({ overrides: this.#requirements(ranges, "policy.overrides") })),
      ...optional(policy["constraints"], (ranges) => ({
        constraints: this.#requirements(ranges, "policy.constraints"),
      })),
    };
  }

  #locked(value: unknown): Readonly<Record<string, string>> {
    const locked = members(value, "locked");
    for (const [plugin, version] of Object.entries(locked)) {
      const where = `locked[${quote(plugin)}]`;
      if (this.#vocabulary.tryVersion(string(version, where)) === undefined) throw invalid(where, "is not a version");
    }
    return locked as Readonly<Record<string, string>>;
  }

  #host(value: unknown): HostFacts {
    const host = knownMembers(value, "host", ["api", "platform", "highestLevel"]);
    return {
      ...optional(host["api"], (api) => ({ api: string(api, "host.api") })),
      ...optional(host["platform"], (platform) => ({ platform: string(platform, "host.platform") })),
      ...optional(host["highestLevel"], (level) => ({
        highestLevel: oneOf(level, "host.highestLevel", securityLevels),
      })),
    };
  }

  #revoked(value: unknown): Revocation[] {
    return list(value, "revoked").map((entry, index) => {
      const where = `revoked[${index}]`;
      const revocation = knownMembers(entry, where, ["plugin", "range", "reason"]);
      return {
        plugin: string(revocation["plugin"], `${where}.plugin`),
        ...optional(revocation["range"], (range) => ({ range: string(range, `${where}.range`) })),
        ...optional(revocation["reason"], (reason) => ({ reason: string(reason, `${where}.reason`) })),
      };
    });
  }
}

type UniverseMember = "root" | "roots" | "policy" | "locked" | "host" | "revoked" | "nowMs";
