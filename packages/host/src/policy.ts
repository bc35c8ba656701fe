import { quote } from "@berth/base";
import type { Policy as ResolvePolicy } from "@berth/resolver";
import { parseScanPolicy } from "@berth/scanner/policy";
import type { ScanPolicy } from "@berth/scanner/policy";
import {
  PERMISSION_NAMES,
  SECURITY_LEVELS,
  isJsonFault,
  readJsonDocument,
  severities,
  statedPermissionSchema,
  strongerLevel,
} from "@berth/spec";
import type { Permission, PermissionName, SecurityLevel } from "@berth/spec";
import { z } from "zod";

import { HostError } from "./errors.ts";

const ID_PART = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*";

/** "acme*" would mean the plugins of "acme-evil" too, and "acme" nobody's. */
const pattern = z
  .string()
  .max(200)
  .regex(new RegExp(`^(?:\\*|${ID_PART}\\.(?:\\*|${ID_PART}))$`), 'must be a plugin id, "publisher.*" or "*"');

const permissions = z.array(statedPermissionSchema).max(256);

const ranges = z.record(z.string().max(200), z.string().max(1_000));

/** The resolver's policy, as data. */
const resolveSchema = z.strictObject({
  prerelease: z.enum(["stable-first", "any", "never"]).exactOptional(),
  direction: z.enum(["highest", "lowest"]).exactOptional(),
  yanked: z.enum(["only-if-root-pins-exact-version", "allow", "never"]).exactOptional(),
  minimumAgeMs: z.int().min(0).exactOptional(),
  minimumAgeExempt: z.array(z.string().max(200)).max(1_000).exactOptional(),
  overrides: ranges.exactOptional(),
  constraints: ranges.exactOptional(),
}) satisfies z.ZodType<ResolvePolicy>;

const verdictAction = z.enum(["allow", "ask", "refuse"]).exactOptional();

/** The scanner's policy; the scanner itself checks the names of rules. */
const scanSchema = z
  .strictObject({
    rules: z
      .record(
        z.string().max(200),
        z.strictObject({ severity: z.enum([...severities, "off"]), reason: z.string().min(1).max(1_000) }),
      )
      .exactOptional(),
    verdicts: z.strictObject({ clean: verdictAction, review: verdictAction, block: verdictAction }).exactOptional(),
  })
  .superRefine((value, context) => {
    try {
      parseScanPolicy(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "is not a scan policy" });
    }
  }) satisfies z.ZodType<ScanPolicy>;

const shared = {
  deny: z
    .array(z.enum(PERMISSION_NAMES as readonly [PermissionName, ...PermissionName[]]))
    .max(PERMISSION_NAMES.length)
    .default([])
    .describe("Permissions that nobody gets, whoever consents."),
  ceilings: permissions
    .default([])
    .describe("The most that is given: a permission named here is given only as far as one of its entries covers it."),
  grants: permissions
    .default([])
    .describe("What the operator agrees to in advance: nobody is asked. The only way to network_unrestricted."),
};

export const policySchema = z
  .strictObject({
    $schema: z.string().max(512).optional(),
    level: z.enum(SECURITY_LEVELS).default("standard").describe("The lowest security level at which plugins run."),
    trustOnFirstUse: z
      .boolean()
      .default(true)
      .describe("Whether an unknown publisher's key may be pinned when a person confirms it."),
    repository: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, "must be the name of a trust domain")
      .exactOptional()
      .describe("The trust domain of this host: files whose signature is bound to it are accepted. Left out: none."),
    storageBytes: z.int().min(0).default(10_485_760).describe("Storage of one plugin in one partition, bytes."),
    isUnattended: z
      .boolean()
      .default(false)
      .describe("Nobody is there to ask: what is missing is denied, and kept as a request to answer later."),
    journalDays: z
      .int()
      .min(1)
      .max(36_500)
      .default(365)
      .describe("How long the journal keeps calls, uses, denials, events and log lines, days."),
    decisionDays: z
      .int()
      .min(1)
      .max(36_500)
      .exactOptional()
      .describe(
        "How long the journal keeps what somebody decided, such as installs, grants and revocations, days; never shorter than journalDays. Left out: for ever.",
      ),
    grantDays: z
      .int()
      .min(1)
      .max(3_650)
      .optional()
      .describe("Days after which a person's grant ends by itself. Left out: never."),
    privateHosts: z
      .array(z.string().max(253))
      .max(64)
      .default([])
      .describe("Hosts that may have addresses outside the public internet. Plugins still need the right to each."),
    programFolders: z
      .array(
        z
          .string()
          .max(1_024)
          .regex(
            /^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u,
            'must be an absolute folder without ".", "..", "//" or a trailing "/"',
          ),
      )
      .max(32)
      .default([])
      .describe(
        "Folders beside /usr with programs that plugins may run, and with what those read. Every command sees them.",
      ),
    preload: z
      .array(pattern)
      .max(1_000)
      .default([])
      .describe('Plugins that are started with the host, not at their first call: ids, "publisher.*" or "*".'),
    resolve: resolveSchema
      .default({})
      .describe("Which releases may be chosen: ages, pre-releases, overrides. Default: the resolver's."),
    scan: scanSchema
      .default({})
      .describe("What the scanner's verdicts mean. Default: `review` asks a person, `block` is refused."),
    ...shared,
    rules: z
      .array(
        z.strictObject({
          plugins: z.array(pattern).min(1).max(64).describe('Plugins it is for: ids, or "publisher.*".'),
          level: z.enum(SECURITY_LEVELS).optional().describe("A higher level for these plugins."),
          ...shared,
        }),
      )
      .max(256)
      .default([])
      .describe("Further rules for some plugins. Every rule that fits counts; none takes back what another denies."),
  })
  .describe("What the operator of a host decides for every plugin.");

/** What the operator decides for every plugin of a host. Data, so that it can be reviewed and shared. */
export type Policy = z.output<typeof policySchema>;

/** A policy as operators write it: whatever is left out takes its default. */
export type PolicyInput = z.input<typeof policySchema>;

/** JSON Schema (2020-12) of a policy; published as `policy.schema.json`. */
export function policyJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(policySchema, { io: "input", unrepresentable: "any" });
}

export const DEFAULT_POLICY: Policy = policySchema.parse({});

/** @throws HostError HOST_POLICY_INVALID */
export function completePolicy(value: unknown): Policy {
  const result = policySchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join(".") ?? "";
  throw new HostError(
    "HOST_POLICY_INVALID",
    `the policy${place === "" ? "" : ` at ${quote(place)}`}: ${issue?.message ?? "is not one"}`,
  );
}

/**
 * Reads a policy from the bytes of its file.
 *
 * @throws HostError HOST_POLICY_INVALID
 */
export function parsePolicy(bytes: Uint8Array): Policy {
  const document = readJsonDocument(bytes);
  if (isJsonFault(document)) {
    const { line, column, message } = document;
    throw new HostError("HOST_POLICY_INVALID", `the policy, line ${line}, column ${column}: ${message}`);
  }
  return completePolicy(document.value);
}

/** What a policy says about one plugin. */
export interface PluginPolicy {
  readonly level: SecurityLevel;
  /** Whether it says strict anywhere, also where another rule raises that to isolated: then every call is fresh. */
  readonly isFresh: boolean;
  readonly deny: ReadonlySet<PermissionName>;
  /** Each list must cover a permission by one of its entries of the same name, if it has any. */
  readonly ceilings: readonly (readonly Permission[])[];
  readonly grants: readonly Permission[];
}

/** The policy of one plugin: what holds for all, and every rule that fits it. */
export function policyFor(policy: Policy, pluginId: string): PluginPolicy {
  const rules = policy.rules.filter(({ plugins }) => plugins.some((each) => fitsPattern(each, pluginId)));
  const all = [policy, ...rules];
  return {
    level: rules.reduce((level, rule) => strongerLevel(level, rule.level ?? level), policy.level),
    isFresh: all.some(({ level }) => level === "strict"),
    deny: new Set(all.flatMap(({ deny }) => deny)),
    ceilings: all.map(({ ceilings }) => ceilings),
    grants: all.flatMap(({ grants }) => grants),
  };
}

/** `policyFor`, kept: asked at every request of a plugin. Plugins that the same rules fit share one answer. */
export function keepPolicies(policy: Policy): (pluginId: string) => PluginPolicy {
  const byPlugin = new Map<string, PluginPolicy>();
  const byRules = new Map<string, PluginPolicy>();
  return (pluginId) => {
    const known = byPlugin.get(pluginId);
    if (known !== undefined) return known;
    const fits = policy.rules.map(({ plugins }) => plugins.some((each) => fitsPattern(each, pluginId)));
    const key = fits.map(Number).join("");
    const found = byRules.get(key) ?? policyFor(policy, pluginId);
    byRules.set(key, found);
    byPlugin.set(pluginId, found);
    return found;
  };
}

/** Whether a plugin is one of those that a policy means by an id, `publisher.*` or `*`. */
export const fitsPattern = (each: string, pluginId: string): boolean =>
  each.endsWith("*") ? pluginId.startsWith(each.slice(0, -1)) : pluginId === each;
