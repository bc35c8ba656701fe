import { z } from "zod";

import { CAPABILITIES, CATEGORIES, PRICING_MODELS } from "./catalogue-terms.ts";
import { DEFAULT_LIMITS, actionLimitsSchema, limitsSchema } from "./limits.ts";
import { permissionSchema } from "./permission.ts";
import { isIdPart, tryParsePluginId } from "./plugin-id.ts";
import { checkSchema } from "./schema-dialect.ts";
import type { DialectSchema } from "./schema-dialect.ts";
import { SECURITY_LEVELS } from "./security-level.ts";
import { isRange, isVersion } from "./version.ts";

/** The name of the manifest at a package's root. */
export const MANIFEST_FILE = "manifest.json";

/** The version of the Berth API that this code implements; a manifest's `api` range must include it. */
export const API_VERSION = "1.2.0";

/** Largest manifest that is read, bytes. */
export const MAX_MANIFEST_BYTES = 256 * 1024;

const pluginId = z
  .string()
  .refine((text) => tryParsePluginId(text) !== undefined, 'must be a plugin id like "acme.csv-tools"')
  .meta({ pattern: "^[a-z][a-z0-9]*(-[a-z0-9]+)*\\.[a-z][a-z0-9]*(-[a-z0-9]+)*$" });
const version = z.string().refine(isVersion, 'must be a semantic version without build part, like "1.2.3"');
const range = z.string().refine(isRange, 'must be a version range like "^1.2"');
const line = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, "must be one line without control characters");
const url = z
  .string()
  .max(2_048)
  .regex(/^https:\/\/[^\s\p{Cc}]+$/u, 'must be a URL that starts with "https://"');
const packagePath = z
  .string()
  .max(255)
  .regex(/^(?!\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\\\p{Cc}]+$/u, "must be a relative path inside the package");
const schema = z
  .custom<DialectSchema>()
  .superRefine((value, context) => {
    for (const { path, message } of checkSchema(value)) context.addIssue({ code: "custom", path: [...path], message });
  })
  .meta({ type: ["object", "boolean"], description: "A JSON Schema within Berth's closed dialect." });

const dependency = z.union([
  range,
  z.strictObject({ range, lazy: z.boolean().default(false).describe("Needed only when used; may close a cycle.") }),
]);
const dependencies = z.record(pluginId, dependency).default({});

/** Enforced by the broker, not believed: DESIGN's section on permissions. */
export const EFFECT_CLASSES = ["pure", "idempotent"] as const;

const action = z.strictObject({
  title: line(80).optional(),
  description: z.string().max(2_000).optional(),
  input: schema.describe("What the action takes."),
  output: schema.describe("What the action answers; of an action that streams, one item."),
  streams: z
    .boolean()
    .optional()
    .describe("The answer is given in pieces: the handler is an async generator, and is asked for one item at a time."),
  limits: actionLimitsSchema.optional(),
  effect: z
    .enum(EFFECT_CLASSES)
    .optional()
    .describe("pure: touches nothing; idempotent: may be repeated. Left out: it has effects."),
});

/** Different memory limits of one plugin's actions. */
const MAX_MEMORIES = 4;

const memberName = z
  .string()
  .regex(/^[a-zA-Z][A-Za-z0-9_-]{0,63}$/, "must be a name of at most 64 letters, digits, _ or -");

/** What a plugin tells others: an event named `x` of `acme.words` has the topic `acme.words/x`. */
const event = z.strictObject({
  title: line(80).optional(),
  description: z.string().max(2_000).optional(),
  payload: schema.describe("What the event carries."),
  delivery: z
    .enum(["ephemeral", "durable"])
    .default("ephemeral")
    .describe("ephemeral: at most once, to whoever is there; durable: kept, and delivered at least once."),
});

/** The topic by which the host tells a plugin that its settings changed; it carries `{ changed }`, their names. */
export const CONFIG_CHANGED = "host/config-changed";

/** Whether a topic is one of the host's, each of which is told to the plugin that it is about and to nobody else. */
export const isHostTopic = (topic: string): boolean => topic === CONFIG_CHANGED;

/**
 * A topic: `publisher.name/event` of a plugin, `app/event` of the embedding program, or `host/config-changed` of the
 * host.
 */
export const topicSchema = z
  .string()
  .refine(isTopic, 'must be a topic like "acme.words/counted" or "app/order-paid"')
  .meta({ pattern: "^[a-z][a-z0-9.-]*/[a-zA-Z][A-Za-z0-9_-]{0,63}$" });

function isTopic(text: string): boolean {
  if (isHostTopic(text)) return true;
  const [owner = "", name = "", ...more] = text.split("/");
  const isOwner = owner === "app" || tryParsePluginId(owner) !== undefined;
  return isOwner && /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/.test(name) && more.length === 0;
}

const subscription = z.strictObject({
  action: memberName.describe("The action that is called with what the event carries."),
});

/** When an action runs by itself, in a manifest or as a plugin sets it. */
export const scheduleSchema = z.strictObject({
  cron: z
    .string()
    .max(100)
    .regex(/^[0-9A-Za-z*/,#-]+(?: [0-9A-Za-z*/,#-]+){4}$/, 'must have five fields, like "30 6 * * MON-FRI"')
    .describe("Minute, hour, day of month, month, day of week."),
  timeZone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/, 'must be an IANA time zone, like "Europe/Berlin"')
    .default("UTC"),
  action: memberName,
  missed: z
    .enum(["skip", "once", "all"])
    .default("once")
    .describe("Runs that no host was there for: none is made up for, one is, or each of the last 24."),
});

const price = z.strictObject({
  amountMinor: z.int().min(1).max(100_000_000).describe("In the currency's smallest unit, such as cents."),
  currency: z.string().regex(/^[A-Z]{3}$/, "must be an ISO 4217 code such as EUR"),
});

const pricing = z
  .strictObject({ model: z.enum(PRICING_MODELS), price: price.optional() })
  .refine(({ model, price: given }) => model === "free" || given !== undefined, {
    message: "a paid pricing model needs a price",
    path: ["price"],
  })
  .refine(({ model, price: given }) => model !== "free" || given === undefined, {
    message: "a free plugin has no price",
    path: ["price"],
  });

const contributes = z
  .strictObject({
    actions: z.record(memberName, action).default({}).describe("Named functions, with schemas for input and output."),
    events: z.record(memberName, event).default({}).describe("What the plugin tells whoever subscribed."),
    schedules: z
      .record(memberName, scheduleSchema)
      .default({})
      .describe("Actions that run by themselves; the input is null."),
    subscriptions: z.record(topicSchema, subscription).default({}).describe("Topics of others, and who handles them."),
  })
  .superRefine(({ actions, schedules, subscriptions }, context) => {
    for (const [schedule, { action: name }] of Object.entries(schedules))
      if (!Object.hasOwn(actions, name))
        context.addIssue({
          code: "custom",
          path: ["schedules", schedule, "action"],
          message: "names no action of this plugin",
        });
      else if (actions[name]?.streams === true)
        context.addIssue({
          code: "custom",
          path: ["schedules", schedule, "action"],
          message: "names an action that streams: nobody would take its items",
        });
    for (const [topic, { action: name }] of Object.entries(subscriptions))
      if (!Object.hasOwn(actions, name))
        context.addIssue({
          code: "custom",
          path: ["subscriptions", topic, "action"],
          message: "names no action of this plugin",
        });
      else if (actions[name]?.streams === true)
        context.addIssue({
          code: "custom",
          path: ["subscriptions", topic, "action"],
          message: "names an action that streams: nobody would take its items",
        });
    for (const [name, { streams, limits }] of Object.entries(actions))
      if (limits?.streamMs !== undefined && streams !== true)
        context.addIssue({
          code: "custom",
          path: ["actions", name, "limits", "streamMs"],
          message: "is for actions that stream",
        });
  });

/** The manifest, defined once: validation, types and `manifest.schema.json` follow from it. */
export const manifestSchema = z
  .strictObject({
    $schema: z.string().max(512).optional().describe("Where an editor finds this schema."),
    id: pluginId.describe("Publisher and name: publisher.name."),
    version: version.describe("Semantic version of this release, without build part."),
    displayName: line(80).describe("The name that people see."),
    description: z.string().min(1).max(4_000).describe("What the plugin does, for somebody who looks for it."),
    license: line(100).describe("SPDX expression, such as Apache-2.0."),
    homepage: url.optional(),
    repository: url.optional(),
    icon: packagePath.optional().describe("PNG or SVG inside the package."),
    categories: z.array(z.enum(CATEGORIES)).min(1).max(3).describe("Shelves of the marketplace."),
    tags: z
      .array(z.string().refine(isIdPart, "must be lower-case letters, digits and hyphens, 2 to 64 long"))
      .max(20)
      .default([]),
    pricing: pricing.default({ model: "free" }),
    api: range.describe("Range of the Berth API that the plugin needs, such as ^1.0."),
    runtime: z.strictObject({
      kind: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a kind of runtime, such as "javascript"')
        .describe("What executes the plugin: javascript, wasm, python …"),
      entry: packagePath.describe("The file that is loaded: source in a plugin's folder, the bundle in a package."),
    }),
    level: z.enum(SECURITY_LEVELS).default("standard").describe("The lowest security level the plugin accepts."),
    capabilities: z.array(z.enum(CAPABILITIES)).min(1).max(CAPABILITIES.length),
    permissions: z.array(permissionSchema).max(64).default([]),
    dependencies: dependencies.describe("Plugins that this one needs, with version ranges."),
    optionalDependencies: dependencies.describe("Plugins that it works with when they are there."),
    conflicts: z.record(pluginId, range).default({}).describe("Plugins that it cannot stand beside."),
    contributes,
    config: schema.optional().describe("JSON Schema of the plugin's settings."),
    secrets: z.array(memberName).max(32).default([]).describe("Names of secrets that the operator fills in."),
    limits: limitsSchema.default({}),
  })
  .superRefine(({ contributes: { actions }, limits }, context) => {
    // Each is an instance of its own, for every partition.
    const memories = new Set(Object.values(actions).flatMap(({ limits: own }) => own?.memoryMiB ?? []));
    if (memories.size > MAX_MEMORIES)
      context.addIssue({
        code: "custom",
        path: ["contributes", "actions"],
        message: `must not have more than ${MAX_MEMORIES} different limits.memoryMiB`,
      });
    for (const [name, { limits: own = {} }] of Object.entries(actions))
      for (const limit of ["memoryMiB", "cpuMs", "wallMs"] as const) {
        const most = limits[limit] ?? DEFAULT_LIMITS[limit];
        if ((own[limit] ?? 0) > most)
          context.addIssue({
            code: "custom",
            path: ["contributes", "actions", name, "limits", limit],
            message: `must be at most the plugin's own, ${most}`,
          });
      }
  })
  .describe("The manifest of a Berth plugin.");

/** Names of all members that a manifest can have. */
export const MANIFEST_MEMBERS = Object.keys(manifestSchema.shape) as readonly (keyof Manifest)[];

/** A manifest that passed `parseManifest`: every default filled in. */
export type Manifest = z.output<typeof manifestSchema>;

/** One action as the manifest declares it. */
export type ActionDeclaration = Manifest["contributes"]["actions"][string];

/** One event as the manifest declares it. */
export type EventDeclaration = Manifest["contributes"]["events"][string];

/** JSON Schema (2020-12) of a manifest as authors write it; published as `manifest.schema.json`. */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(manifestSchema, { io: "input", unrepresentable: "any" }) as Record<string, unknown>;
}
