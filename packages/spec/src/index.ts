export { CAPABILITIES, CATEGORIES, PRICING_MODELS } from "./catalogue-terms.ts";
export type { Capability, Category, PricingModel } from "./catalogue-terms.ts";
export {
  NOWHERE,
  explainDataLabel,
  formatDataLabel,
  makeDataLabel,
  mayLeaveTo,
  meetLabels,
  readDataLabel,
} from "./data-label.ts";
export type { DataLabel } from "./data-label.ts";
export { editPermissions, withoutDefaults } from "./edit-permissions.ts";
export { formatEnvelope, parseEnvelope, preAuthEncoding } from "./envelope.ts";
export type { Envelope, EnvelopeSignature } from "./envelope.ts";
export { SpecError, specErrors } from "./errors.ts";
export type { SpecErrorCode } from "./errors.ts";
export { coversGlob, fitsGlob } from "./glob.ts";
export type { GlobBudget } from "./glob.ts";
export { isJsonFault, readJsonDocument } from "./json-document.ts";
export type { JsonDocument, JsonFault, JsonPath, TextPosition } from "./json-document.ts";
export { DEFAULT_LIMITS, DEFAULT_STREAM_MS, LIMIT_CEILINGS } from "./limits.ts";
export type { Limits } from "./limits.ts";
export {
  API_VERSION,
  CONFIG_CHANGED,
  EFFECT_CLASSES,
  MANIFEST_FILE,
  MANIFEST_MEMBERS,
  MAX_MANIFEST_BYTES,
  manifestJsonSchema,
  scheduleSchema,
  isHostTopic,
  topicSchema,
} from "./manifest.ts";
export { MANIFEST_CHECKS } from "./manifest-checks.ts";
export type { ActionDeclaration, EventDeclaration, Manifest } from "./manifest.ts";
export { parseManifest } from "./parse-manifest.ts";
export type { ManifestProblem } from "./parse-manifest.ts";
export {
  PERMISSION_NAMES,
  covers,
  coveringGrant,
  formatPermission,
  isDangerous,
  needsOwnProcess,
  permissionOf,
  permissionSchema,
  statedPermissionSchema,
  uncoveredParameter,
} from "./permission.ts";
export type { Permission, PermissionName, PermissionRequest } from "./permission.ts";
export { explainPermission, formatBytes } from "./permission-summary.ts";
export { isIdPart, packageFileName, parsePluginId, publisherOf, tryParsePluginId } from "./plugin-id.ts";
export type { PluginId } from "./plugin-id.ts";
export { DIALECT_KEYWORDS, DIALECT_LIMITS, checkSchema, verifySchema } from "./schema-dialect.ts";
export type { DialectProblem, DialectSchema } from "./schema-dialect.ts";
export { SECURITY_LEVELS, compareLevels, strongerLevel } from "./security-level.ts";
export type { SecurityLevel } from "./security-level.ts";
export { isLowerVersion, isRange, isVersion, parseRange, parseVersion, versionInRange } from "./version.ts";
export { confidences, severities, tryParseScanReport, verdicts } from "./finding.ts";
export type { Confidence, Finding, ScanReport, ScanResult, Severity, Verdict } from "./finding.ts";
export {
  MAX_RELEASES,
  SEARCH_SORTS,
  TOKEN_SCOPES,
  changePageSchema,
  changeSchema,
  deprecationSchema,
  newDeprecationSchema,
  newKeySchema,
  newPublisherAnswerSchema,
  newPublisherSchema,
  newTokenAnswerSchema,
  newTokenSchema,
  newYankSchema,
  pluginCardSchema,
  pluginDetailSchema,
  pluginIndexSchema,
  problemSchema,
  publishedSchema,
  publisherKeySchema,
  publisherSchema,
  registryInfoSchema,
  releaseIndexSchema,
  searchPageSchema,
  searchQuerySchema,
  tokenListSchema,
  tokenSchema,
  yankSchema,
} from "./registry-api.ts";
export type {
  Change,
  ChangePage,
  NewPublisher,
  NewPublisherAnswer,
  NewToken,
  NewTokenAnswer,
  PluginCard,
  PluginDetail,
  PluginIndex,
  Problem,
  Published,
  Publisher,
  PublisherKey,
  RegistryInfo,
  ReleaseIndex,
  SearchPage,
  SearchQuery,
  SearchSort,
  Token,
  TokenScope,
} from "./registry-api.ts";
