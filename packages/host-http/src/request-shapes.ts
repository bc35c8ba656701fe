import { isAbsolute } from "node:path";

import { quote } from "@berth/base";
import type { GraphConsent, GraphRequest, NewRegistry, StatisticsQuery } from "@berth/host";
import { HttpError } from "@berth/http";
import {
  PERMISSION_NAMES,
  isIdPart,
  isRange,
  permissionOf,
  permissionSchema,
  statedPermissionSchema,
  tryParsePluginId,
} from "@berth/spec";
import { z } from "zod";

const pluginId = z.string().refine((text) => tryParsePluginId(text) !== undefined, "must be a plugin id");
const publisher = z.string().refine(isIdPart, "must be a publisher's name");
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
const handle = z.string().regex(/^[0-9a-f]{32}$/, "must be an id that this API gave");
const text = z.string().min(1).max(2_048);

/** What is granted, as a permission without the author's reason. */
const grant = z
  .looseObject({})
  .transform((value) => ({ ...value, reason: "-" }))
  .pipe(permissionSchema)
  .transform(permissionOf);

const need = z.strictObject({ plugin: pluginId, kind: z.enum(["dependency", "optional"]), isLazy: z.boolean() });

/** A lockfile as data; `host.planGraph` compares it with the registries again. */
const lock = z.strictObject({
  requirements: z.record(pluginId, z.string().max(256)),
  releases: z
    .array(
      z.strictObject({
        plugin: pluginId,
        version: z.string().max(64),
        registry: text,
        contentSha256: sha256Hex,
        fileSha256: sha256Hex,
        needs: z.array(need).max(2_000),
      }),
    )
    .max(10_000),
});

export const newPlanSchema = z.strictObject({
  plugins: z.record(pluginId, z.string().refine(isRange, "must be a version range")).default({}),
  /** Handles of uploaded packages. */
  packages: z.array(handle).max(16).default([]),
  lock: lock.optional(),
  isFrozen: z.boolean().default(false),
});

export const consentSchema = z.strictObject({
  grants: z.record(pluginId, z.array(grant).max(64)),
  trustKeys: z.array(text).max(1_000),
  confirmedScans: z.array(pluginId).max(1_000),
  downgrades: z.array(pluginId).max(1_000).exactOptional(),
}) satisfies z.ZodType<GraphConsent>;

export const newRegistrySchema = z.strictObject({
  name: text,
  url: text,
  priority: z.int().min(0).max(999_999).optional(),
  allowHttp: z.boolean().optional(),
});

export const newBindingSchema = z.strictObject({ registry: text });
export const newKeySchema = z.strictObject({
  publisher,
  key: z.strictObject({ keyId: text, algorithm: z.literal("ed25519"), publicKey: z.string().max(64) }),
});
export const newGrantSchema = z.strictObject({
  permission: statedPermissionSchema,
  expiresAt: z
    .string()
    .max(64)
    .optional()
    .describe("An instant with its time zone, at which the grant ends by itself."),
});
const permissionName = z.enum(PERMISSION_NAMES);
/** All of a name, or what covers or is covered by a permission. */
export const revocationSchema = z
  .strictObject({ name: permissionName.optional(), permission: statedPermissionSchema.optional() })
  .refine(
    ({ name, permission }) => (name === undefined) !== (permission === undefined),
    "takes a name or a permission",
  );
export const dismissalSchema = z.strictObject({ name: permissionName });
/** `Host.setSecret` checks how long it is. */
export const newSecretSchema = z.strictObject({ value: z.string() });
export const rotationSchema = z.strictObject({
  operatorKey: z.string().max(4_096).optional().describe("Text of an age identity that opens the secrets from now on."),
});
export const newSettingsSchema = z.strictObject({ value: z.unknown() });
const folder = text.refine((path) => isAbsolute(path), "must be an absolute path");
/** The program that asks knows nothing of the folder in which the host was started. */
export const discoveryQuerySchema = z.strictObject({
  folder: z
    .union([folder.transform((path) => [path]), z.array(folder).max(16)])
    .optional()
    .describe("A folder to look in, in place of those that the host was opened with; may be repeated."),
});
export const pluginQuerySchema = z.strictObject({ plugin: pluginId.optional() });
export const newStateSchema = z.strictObject({ state: z.enum(["enabled", "disabled"]) });
export const uninstallSchema = z.strictObject({ ids: z.array(pluginId).min(1).max(10_000) });
export const journalQuerySchema = z.strictObject({
  plugin: z.string().max(200).optional(),
  before: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
});
const instant = z.iso.datetime();
/** A period by instants in UTC; it is counted by the hour. */
export const statisticsQuerySchema = z.strictObject({
  plugin: pluginId.optional(),
  from: instant.optional(),
  to: instant.optional(),
});
export const proofQuerySchema = z.strictObject({ challenge: z.string().max(200).optional() });
export const callQuerySchema = z.strictObject({ user: z.string().min(1).max(200).optional() });

/** @throws HttpError HTTP_REQUEST_INVALID naming the first thing that is wrong */
export function parseShape<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the request" : quote(issue.path.join("."));
  throw new HttpError("HTTP_REQUEST_INVALID", `${where}: ${issue?.message}`);
}

/** Members that are `undefined` are left out, as exact optional types want it. */
export function planRequestOf(
  shape: z.output<typeof newPlanSchema>,
  packages: readonly Uint8Array[],
  signal: AbortSignal,
): GraphRequest {
  const { plugins, isFrozen } = shape;
  return { plugins, packages, isFrozen, signal, ...(shape.lock !== undefined && { lock: shape.lock }) };
}

export function statisticsQueryOf({ plugin, from, to }: z.output<typeof statisticsQuerySchema>): StatisticsQuery {
  return {
    ...(plugin !== undefined && { pluginId: plugin }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

export function newRegistryOf({ name, url, priority, allowHttp }: z.output<typeof newRegistrySchema>): NewRegistry {
  return { name, url, ...(priority !== undefined && { priority }), ...(allowHttp !== undefined && { allowHttp }) };
}
