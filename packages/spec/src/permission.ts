import { canonicalJson } from "@berth/base";
import type { Json } from "@berth/base";
import { z } from "zod";

import {
  atLeast,
  containsAll,
  containsEqual,
  coversFiles,
  coversHosts,
  coversPrefixes,
  coversRoots,
  onCoversOff,
  same,
} from "./lattice.ts";
import type { FileSet } from "./lattice.ts";

/** As `Covers`, of two values that mean something only beside others: `withinA` and `withinB` hold them. */
type CoversWithin<Value> = (a: Value, b: Value, withinA: Values, withinB: Values) => boolean;

/** One parameter: what a manifest may write, and how two values compare. */
interface Parameter<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  readonly covers: CoversWithin<z.output<Schema>>;
  /** Parameters within this one. */
  readonly shape?: Readonly<Record<string, Parameter>>;
}

const parameter = <Schema extends z.ZodType>(
  schema: Schema,
  covers: CoversWithin<z.output<Schema>>,
): Parameter<Schema> => ({
  schema,
  covers,
});

/** A non-empty list without repeats. */
const listOf = <Item extends z.ZodType>(item: Item, max: number): z.ZodArray<Item> =>
  z
    .array(item)
    .min(1)
    .max(max)
    .refine((items) => new Set(items.map((each) => JSON.stringify(each))).size === items.length, "names an item twice");

const HOST_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const host = z
  .string()
  .max(253)
  .regex(
    new RegExp(`^(?:\\*\\.)?${HOST_LABEL}(?:\\.${HOST_LABEL})*$`),
    'must be a lower-case host name such as "api.example.com" or "*.example.com"',
  );
const root = z
  .string()
  .max(1_024)
  .regex(
    /^\/(?:(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)*)?$/u,
    'must be an absolute folder without ".", "..", "//" or a trailing "/"',
  );
const glob = z
  .string()
  .min(1)
  .max(256)
  .regex(
    /^(?!\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\\\p{Cc}]+$/u,
    'must be relative to the roots, use "/" and have no "." or ".." part',
  );
const name = z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, "must be a name of at most 64 letters, digits, . _ -");
const topic = z
  .string()
  .regex(/^(?:[A-Za-z0-9._/-]{1,128}\*?|\*)$/, 'must be a name of at most 128 characters, optionally ending in "*"');
const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const bytes = amount;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const VERBS = ["read", "create", "update", "delete"] as const;

const command = z.strictObject({
  /** The program by its absolute path, then its arguments; `{name}` stands for one value given at the call. */
  run: z.array(z.string().min(1).max(1_024)).min(1).max(64),
});

/** A service that the embedding platform offers, with the narrowing that suits it. */
const service = <Schemas extends Record<string, z.ZodType>>(shape: {
  [Key in keyof Schemas]: Parameter<Schemas[Key]>;
}): Parameter<z.ZodOptional<z.ZodObject<Schemas, z.core.$strict>>> => {
  const parameters: Record<string, Parameter> = shape;
  return {
    schema: z.strictObject(schemasOf(parameters) as Schemas).optional(),
    covers: (a, b) => (b === undefined ? true : a !== undefined && coversShape(parameters, a as Values, b as Values)),
    shape: parameters,
  };
};

/** Beside `roots`. */
const globs = parameter(
  listOf(glob, 32).default(["**"]).describe("Files below the roots."),
  (_a, _b, withinA, withinB) => coversFiles(withinA as unknown as FileSet, withinB as unknown as FileSet),
);
const perHour = parameter(amount.default(60).describe("Requests per hour."), atLeast);
const topics = parameter(listOf(topic, 64), coversPrefixes);

/**
 * Every permission with its parameters. Schemas, types, order and documentation follow from this table;
 * a parameter left out of a manifest takes its narrow default.
 */
const PERMISSIONS = {
  file_system_read: {
    roots: parameter(listOf(root, 32).describe("Folders, absolute."), coversRoots),
    globs,
    maxBytes: parameter(bytes.default(10_485_760).describe("Largest file that is read, bytes."), atLeast),
  },
  file_system_write: {
    roots: parameter(listOf(root, 32).describe("Folders, absolute."), coversRoots),
    globs,
    quotaBytes: parameter(bytes.default(10_485_760).describe("Bytes written in all."), atLeast),
    create: parameter(z.boolean().default(false).describe("May create files and folders."), onCoversOff),
    delete: parameter(z.boolean().default(false).describe("May delete files and folders."), onCoversOff),
  },
  network_restricted: {
    hosts: parameter(listOf(host, 64).describe('Hosts; "*.example.com" means every host below.'), coversHosts),
    ports: parameter(listOf(z.int().min(1).max(65_535), 16).default([443]).describe("TCP ports."), containsAll),
    methods: parameter(listOf(z.enum(METHODS), 7).default(["GET"]).describe("HTTP methods."), containsAll),
    bytesPerDay: parameter(bytes.default(10_485_760).describe("Bytes sent and received per day."), atLeast),
    secretHeaders: parameter(
      z
        .array(z.strictObject({ header: name, secret: name }))
        .max(16)
        .default([])
        .describe(
          "Secrets that the host puts into request headers; the code never sees them. Needs secrets_access too.",
        ),
      containsEqual((item: { header: string; secret: string }) => `${item.header}\n${item.secret}`),
    ),
  },
  network_unrestricted: {
    bytesPerDay: parameter(bytes.default(104_857_600).describe("Bytes sent and received per day."), atLeast),
  },
  system_exec: {
    commands: parameter(
      listOf(command, 32).describe("Command templates; nothing else is run."),
      containsEqual((item: z.output<typeof command>) => canonicalJson(item.run)),
    ),
    workingDirectory: parameter(root.describe("Folder that commands run in; they may read all of it."), (a, b) =>
      coversRoots([a], [b]),
    ),
    write: parameter(
      z.boolean().default(false).describe("Commands may change everything in that folder."),
      onCoversOff,
    ),
    environment: parameter(z.array(name).max(32).default([]).describe("Environment variables passed on."), containsAll),
    timeMs: parameter(z.int().min(1).max(600_000).default(10_000).describe("Wall time of one run, ms."), atLeast),
  },
  user_data_access: {
    entities: parameter(listOf(name, 64).describe("Kinds of records, such as contacts."), containsAll),
    fields: parameter(listOf(topic, 256).default(["*"]).describe("Fields of those records."), coversPrefixes),
    verbs: parameter(listOf(z.enum(VERBS), 4).default(["read"]).describe("What is done with them."), containsAll),
    purpose: parameter(z.string().min(1).max(200).describe("What for, in the user's words."), same),
    mayLeaveTo: parameter(
      z.array(host).max(64).default([]).describe("Hosts that the data may be sent to; none by default."),
      coversHosts,
    ),
  },
  secrets_access: {
    names: parameter(listOf(name, 64).describe("Names of secrets."), containsAll),
    reveal: parameter(
      z.boolean().default(false).describe("The code sees the secret, instead of the host injecting it."),
      onCoversOff,
    ),
  },
  platform_services: {
    content: service({
      kinds: parameter(listOf(name, 64), containsAll),
      write: parameter(z.boolean().default(false), onCoversOff),
      perHour,
    }),
    analytics: service({ topics, perHour }),
    ai: service({ models: parameter(listOf(topic, 32), coversPrefixes), tokensPerDay: parameter(amount, atLeast) }),
    realtime: service({ topics, perHour }),
    notifications: service({ channels: parameter(listOf(name, 16), containsAll), perHour }),
    events: service({
      publish: parameter(z.array(topic).max(64).default([]), coversPrefixes),
      subscribe: parameter(z.array(topic).max(64).default([]), coversPrefixes),
      perHour,
    }),
    plugins: service({
      actions: parameter(
        listOf(
          z
            .string()
            .max(200)
            .regex(/^[a-z0-9.-]+\/(?:[a-zA-Z][A-Za-z0-9_-]*|\*)$/, 'must look like "publisher.name/action"'),
          64,
        ),
        coversPrefixes,
      ),
      perHour,
      withTheirRights: parameter(
        z
          .boolean()
          .default(false)
          .describe("What is called may use rights of its own that this plugin lacks, such as its network."),
        onCoversOff,
      ),
    }),
  },
} satisfies Record<string, Record<string, Parameter>>;

type Values = Readonly<Record<string, unknown>>;

/** The name of a permission, as DESIGN's table spells it. */
export type PermissionName = keyof typeof PERMISSIONS;

/** Every permission's name. */
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly PermissionName[];

type SchemasOf<Shape extends Record<string, Parameter>> = { [Key in keyof Shape]: Shape[Key]["schema"] };

function schemasOf<Shape extends Record<string, Parameter>>(shape: Shape): SchemasOf<Shape> {
  return Object.fromEntries(Object.entries(shape).map(([key, { schema }]) => [key, schema])) as SchemasOf<Shape>;
}

function coversShape(shape: Record<string, Parameter>, a: Values, b: Values): boolean {
  return Object.entries(shape).every(([key, { covers }]) => covers(a[key], b[key], a, b));
}

const request = {
  reason: z.string().min(1).max(300).describe("Why, in words that the person who is asked understands."),
  optional: z.boolean().default(false).describe("Asked for when first needed instead of at install."),
};

const permissionSchemaOf = <Name extends PermissionName>(permission: Name) =>
  z.strictObject({ name: z.literal(permission), ...schemasOf(PERMISSIONS[permission]), ...request });

/** One entry of a manifest's `permissions`. */
export const permissionSchema = z.discriminatedUnion("name", [
  permissionSchemaOf("file_system_read"),
  permissionSchemaOf("file_system_write"),
  permissionSchemaOf("network_restricted"),
  permissionSchemaOf("network_unrestricted"),
  permissionSchemaOf("system_exec"),
  permissionSchemaOf("user_data_access"),
  permissionSchemaOf("secrets_access"),
  permissionSchemaOf("platform_services").refine(
    (asked) =>
      Object.keys(PERMISSIONS.platform_services).some((each) => asked[each as keyof typeof asked] !== undefined),
    "names no service",
  ),
]);

const statedSchemaOf = <Name extends PermissionName>(permission: Name) =>
  z.strictObject({
    name: z.literal(permission),
    ...schemasOf(PERMISSIONS[permission]),
    reason: z.string().max(300).optional().describe("For readers; it changes nothing."),
  });

/** A permission that nobody asks for but an operator states: in a policy, or on a command line. */
export const statedPermissionSchema = z
  .discriminatedUnion("name", [
    statedSchemaOf("file_system_read"),
    statedSchemaOf("file_system_write"),
    statedSchemaOf("network_restricted"),
    statedSchemaOf("network_unrestricted"),
    statedSchemaOf("system_exec"),
    statedSchemaOf("user_data_access"),
    statedSchemaOf("secrets_access"),
    statedSchemaOf("platform_services"),
  ])
  .transform(({ reason: _reason, ...permission }): Permission => permission);

/** A permission that a manifest asks for, with every parameter filled in. */
export type PermissionRequest = z.output<typeof permissionSchema>;

type WithoutRequest<Request> = Request extends unknown ? Omit<Request, "reason" | "optional"> : never;

/** A permission with its parameters, apart from why it is asked for: what a grant holds. */
export type Permission = WithoutRequest<PermissionRequest>;

/** The permission within a request, without reason and optionality. */
export function permissionOf({ reason: _reason, optional: _optional, ...permission }: PermissionRequest): Permission {
  return permission;
}

/**
 * Whether whoever holds `a` may do everything that `b` allows. A partial order: narrowing a permission
 * never needs a new question, widening any parameter does.
 */
export function covers(a: Permission, b: Permission): boolean {
  return a.name === b.name && coversShape(PERMISSIONS[a.name], a as Values, b as Values);
}

/**
 * The parameter that keeps `a` from covering `b`, such as `hosts` or `events.publish`; `undefined` when the names
 * differ or nothing does.
 */
export function uncoveredParameter(a: Permission, b: Permission): string | undefined {
  return a.name === b.name ? uncoveredOf(PERMISSIONS[a.name], a as Values, b as Values) : undefined;
}

function uncoveredOf(shape: Readonly<Record<string, Parameter>>, a: Values, b: Values): string | undefined {
  for (const [key, { covers: coversValue, shape: inner }] of Object.entries(shape)) {
    if (coversValue(a[key], b[key], a, b)) continue;
    const within = inner && a[key] !== undefined && uncoveredOf(inner, a[key] as Values, b[key] as Values);
    return typeof within === "string" ? `${key}.${within}` : key;
  }
  return undefined;
}

/** The grant among `held` that covers `wanted`, if any. */
export function coveringGrant<Held extends Permission>(held: readonly Held[], wanted: Permission): Held | undefined {
  return held.find((grant) => covers(grant, wanted));
}

const DANGEROUS: ReadonlySet<PermissionName> = new Set(["file_system_write", "network_unrestricted", "system_exec"]);

/** Whether a permission can harm beyond the data it names: shown with a warning, never shares a process. */
export function isDangerous(permission: Permission): boolean {
  return DANGEROUS.has(permission.name);
}

/** Whether a plugin that holds the permission must have its sandbox host for itself. */
export function needsOwnProcess(permission: Permission): boolean {
  return (
    isDangerous(permission) ||
    permission.name === "user_data_access" ||
    (permission.name === "secrets_access" && permission.reveal)
  );
}

/** Equal permissions have equal text; used as the key of a grant. */
export function formatPermission(permission: Permission): string {
  return canonicalJson(permission as Json);
}
