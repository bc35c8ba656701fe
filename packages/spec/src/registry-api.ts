import { z } from "zod";

import { CAPABILITIES, CATEGORIES, PRICING_MODELS } from "./catalogue-terms.ts";
import { verdicts } from "./finding.ts";
import { PERMISSION_NAMES } from "./permission.ts";
import { isIdPart, tryParsePluginId } from "./plugin-id.ts";
import { SECURITY_LEVELS } from "./security-level.ts";
import { isRange, isVersion } from "./version.ts";

/*
 * What a registry says over HTTP and in its static files, defined once: the server answers with these
 * shapes, the client checks every answer against them. A member that a reader does not know is dropped,
 * so that a registry may learn new ones; a member that is missing or of the wrong shape is refused.
 *
 * Static files, servable by any web server below the registry's URL:
 *   index/registry.json                      registryInfoSchema
 *   index/plugins/PUBLISHER/NAME.json        pluginIndexSchema
 *   packages/PUBLISHER/NAME/FILE             the package, FILE as `packageFileName` gives it
 * The server answers the same paths, and the API below `api/v1/`.
 */

const pluginId = z.string().refine((text) => tryParsePluginId(text) !== undefined, "must be a plugin id");
const publisher = z.string().refine(isIdPart, "must be a publisher's name");
const version = z.string().refine(isVersion, "must be a version");
const range = z.string().refine(isRange, "must be a version range");
const instant = z.iso.datetime();
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be "sha256:" and 64 hexadecimal digits');
const dependency = z.union([range, z.object({ range, lazy: z.boolean().default(false) })]);
const dependencies = z.record(pluginId, dependency).default({});

/** Largest number of releases of one plugin. */
export const MAX_RELEASES = 10_000;

/** An Ed25519 key of a publisher, as a registry knows it. */
export const publisherKeySchema = z.object({
  keyId: sha256,
  algorithm: z.literal("ed25519"),
  /** The 32 raw bytes in base64. */
  publicKey: z.string().max(64),
  addedAt: instant,
  /** Set when the publisher took the key back: it vouches for nothing that was published afterwards. */
  retiredAt: instant.optional(),
});

/** `index/registry.json` and `GET api/v1/registry`: what kind of server this is. */
export const registryInfoSchema = z.object({
  kind: z.literal("berth-registry"),
  /** Of the API and the index. */
  format: z.literal(1),
  /** The trust domain; statements may be bound to it. */
  repository: z.string().min(1).max(200),
  openRegistration: z.boolean(),
  /** True once the index carries signed metadata; a client that saw it never accepts its absence again. */
  signedMetadata: z.boolean(),
});

/** Why a release should no longer be chosen. It stays installable by exact version. */
export const yankSchema = z.object({ reason: z.string().min(1).max(500), at: instant });

/** Advice to use something else; the release stays as it is. */
export const deprecationSchema = z.object({
  message: z.string().min(1).max(500),
  replacement: pluginId.optional(),
  at: instant,
});

/** One release in a plugin's index file: all that resolving, downloading and verifying need. */
export const releaseIndexSchema = z.object({
  version,
  contentDigest: sha256,
  /** SHA-256 and length of the package file: known before the download. */
  fileDigest: sha256,
  fileSize: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024),
  /** The key that signed the release. */
  keyId: sha256,
  publishedAt: instant,
  api: range,
  level: z.enum(SECURITY_LEVELS),
  dependencies,
  optionalDependencies: dependencies,
  conflicts: z.record(pluginId, range).default({}),
  permissions: z.array(z.enum(PERMISSION_NAMES)).max(64),
  scan: z.object({ score: z.int().min(0).max(100), verdict: z.enum(verdicts) }).optional(),
  yanked: yankSchema.optional(),
  deprecated: deprecationSchema.optional(),
});

/** `index/plugins/PUBLISHER/NAME.json`: every release of one plugin, newest version first. */
export const pluginIndexSchema = z.object({
  format: z.literal(1),
  id: pluginId,
  /** Rises with every change of this file. */
  revision: z.int().min(1),
  updatedAt: instant,
  publisher: z.object({ name: publisher, keys: z.array(publisherKeySchema).min(1).max(64) }),
  deprecated: deprecationSchema.optional(),
  releases: z.array(releaseIndexSchema).max(MAX_RELEASES),
});

/** A plugin as lists and searches show it. */
export const pluginCardSchema = z.object({
  id: pluginId,
  displayName: z.string().max(80),
  description: z.string().max(4_000),
  /** The newest release that is not yanked, by version; pre-releases only when there is nothing else. */
  version,
  publishedAt: instant,
  level: z.enum(SECURITY_LEVELS),
  license: z.string().max(100),
  categories: z.array(z.enum(CATEGORIES)),
  tags: z.array(z.string().max(64)),
  capabilities: z.array(z.enum(CAPABILITIES)),
  permissions: z.array(z.enum(PERMISSION_NAMES)),
  pricing: z.object({
    model: z.enum(PRICING_MODELS),
    price: z.object({ amountMinor: z.int(), currency: z.string().max(3) }).optional(),
  }),
  downloads: z.int().min(0),
  scan: z.object({ score: z.int().min(0).max(100), verdict: z.enum(verdicts) }).optional(),
  deprecated: deprecationSchema.optional(),
});

/** `GET api/v1/plugins/ID`: a card with everything a person reads before installing. */
export const pluginDetailSchema = pluginCardSchema.extend({
  homepage: z.string().max(2_048).optional(),
  repository: z.string().max(2_048).optional(),
  readme: z.boolean(),
  icon: z.boolean(),
  publisher: z.object({ name: publisher, keys: z.array(publisherKeySchema).min(1).max(64) }),
  /** All versions, newest first; `index` says more of each. */
  versions: z.array(version).max(MAX_RELEASES),
});

/** Orders of a search. The order by rating comes with ratings. */
export const SEARCH_SORTS = ["relevance", "downloads", "updated", "price"] as const;

/** `GET api/v1/plugins`: what may be asked. Lists are comma-separated; within one, any value matches. */
export const searchQuerySchema = z.strictObject({
  q: z.string().max(400).optional(),
  category: z.string().max(400).optional(),
  tag: z.string().max(400).optional(),
  capability: z.string().max(400).optional(),
  level: z.string().max(100).optional(),
  pricing: z.string().max(100).optional(),
  sort: z.enum(SEARCH_SORTS).default("relevance"),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(500).optional(),
});

/** `GET api/v1/plugins`: one page. */
export const searchPageSchema = z.object({
  items: z.array(pluginCardSchema).max(100),
  /** For `cursor`; absent on the last page. */
  next: z.string().max(500).optional(),
  /** How many match; counting stops at `cap`, and then `isCapped` is true. */
  total: z.object({ count: z.int().min(0), isCapped: z.boolean() }),
  /** Matches by value of each facet, such as `facets.category.utilities`; capped as `total` is. */
  facets: z.record(z.enum(["category", "capability", "level", "pricing"]), z.record(z.string(), z.int().min(0))),
});

/** `PUT api/v1/packages/PUBLISHER/NAME/VERSION` answers this, with 201, or 200 when the very same file was there. */
export const publishedSchema = z.object({
  id: pluginId,
  version,
  contentDigest: sha256,
  fileDigest: sha256,
  fileSize: z.int().min(1),
  publishedAt: instant,
  /** The catalogue's sequence number from which on the release is visible. */
  sequence: z.int().min(1),
});

/** One entry of the change feed, `GET api/v1/changes?after=SEQUENCE&limit=N`. */
export const changeSchema = z.object({
  sequence: z.int().min(1),
  at: instant,
  kind: z.enum(["publish", "yank", "unyank", "deprecate", "undeprecate", "publisher", "key"]),
  publisher,
  plugin: pluginId.optional(),
  version: version.optional(),
});

export const changePageSchema = z.object({ items: z.array(changeSchema).max(1_000), last: z.int().min(0) });

/** `POST api/v1/publishers`: claims a name for a key. Needs the operator's token unless registration is open. */
export const newPublisherSchema = z.strictObject({
  name: publisher,
  /** The line that `formatPublicKey` gives. */
  publicKey: z.string().max(200),
});

/** `GET api/v1/publishers/NAME`, and the answer to every change of its keys. */
export const publisherSchema = z.object({
  name: publisher,
  createdAt: instant,
  keys: z.array(publisherKeySchema).min(1).max(64),
});

/** `POST api/v1/publishers/NAME/keys`: the envelope of a key statement that an active key of the publisher signed. */
export const newKeySchema = z.strictObject({ statement: z.string().max(8_192) });

/** `PUT api/v1/plugins/ID/releases/VERSION/yank`; answered with the plugin's index. */
export const newYankSchema = z.strictObject({ reason: z.string().min(1).max(500) });

/** `PUT api/v1/plugins/ID[/releases/VERSION]/deprecation`; answered with the plugin's index. */
export const newDeprecationSchema = z.strictObject({
  message: z.string().min(1).max(500),
  replacement: pluginId.optional(),
});

/** What a token may do; a token without `plugins` works for all of its publisher's plugins. */
export const TOKEN_SCOPES = ["publish", "manage", "operate"] as const;

/** `POST api/v1/tokens`. */
export const newTokenSchema = z.strictObject({
  publisher: publisher.optional(),
  scopes: z.array(z.enum(TOKEN_SCOPES)).min(1),
  plugins: z.array(pluginId).max(100).optional(),
  expiresInDays: z.int().min(1).max(365).default(30),
  label: z.string().min(1).max(100),
});

/** A token as it may be shown; the secret itself is given once, when it is made. */
export const tokenSchema = z.object({
  id: z.string().max(64),
  publisher: publisher.optional(),
  scopes: z.array(z.enum(TOKEN_SCOPES)),
  plugins: z.array(pluginId).optional(),
  label: z.string().max(100),
  createdAt: instant,
  expiresAt: instant,
});

export const newTokenAnswerSchema = tokenSchema.extend({ token: z.string().max(200) });

/** `GET api/v1/tokens`: the tokens that the sender may see. */
export const tokenListSchema = z.object({ items: z.array(tokenSchema) });

/** The answer to `POST api/v1/publishers`: the publisher, and a first token to publish and manage with. */
export const newPublisherAnswerSchema = publisherSchema.extend({ token: newTokenAnswerSchema });

/** RFC 9457, with our code beside it. `details` is as the coded error gives it. */
export const problemSchema = z.object({
  type: z.string().max(500),
  title: z.string().max(500),
  status: z.int().min(400).max(599),
  detail: z.string().max(4_000),
  code: z.string().max(100),
  hint: z.string().max(1_000).optional(),
  details: z.unknown().optional(),
});

export type PublisherKey = z.output<typeof publisherKeySchema>;
export type RegistryInfo = z.output<typeof registryInfoSchema>;
export type ReleaseIndex = z.output<typeof releaseIndexSchema>;
export type PluginIndex = z.output<typeof pluginIndexSchema>;
export type PluginCard = z.output<typeof pluginCardSchema>;
export type PluginDetail = z.output<typeof pluginDetailSchema>;
export type SearchQuery = z.output<typeof searchQuerySchema>;
export type SearchPage = z.output<typeof searchPageSchema>;
export type Published = z.output<typeof publishedSchema>;
export type Change = z.output<typeof changeSchema>;
export type ChangePage = z.output<typeof changePageSchema>;
export type NewPublisher = z.output<typeof newPublisherSchema>;
export type Publisher = z.output<typeof publisherSchema>;
export type NewPublisherAnswer = z.output<typeof newPublisherAnswerSchema>;
export type NewToken = z.input<typeof newTokenSchema>;
export type NewTokenAnswer = z.output<typeof newTokenAnswerSchema>;
export type Token = z.output<typeof tokenSchema>;
export type Problem = z.output<typeof problemSchema>;
export type TokenScope = (typeof TOKEN_SCOPES)[number];
export type SearchSort = (typeof SEARCH_SORTS)[number];
