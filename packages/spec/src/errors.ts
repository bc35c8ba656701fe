import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const specErrors = {
  SPEC_PLUGIN_ID_INVALID: {
    kind: "input",
    meaning: "A text is not a plugin id.",
    cause:
      "A plugin id is `publisher.name`; both parts are 2–64 lower-case letters, digits and single hyphens, and start with a letter.",
    remedy: "Write the id as `publisher.name`, for example `acme.csv-tools`.",
  },
  SPEC_VERSION_INVALID: {
    kind: "input",
    meaning: "A text is not a release version.",
    cause: "Releases use Semantic Versioning 2.0.0 without build metadata: `1.2.3` or `1.2.3-beta.1`.",
    remedy: "Write the version as MAJOR.MINOR.PATCH; use a pre-release part instead of `+build`.",
  },
  SPEC_RANGE_INVALID: {
    kind: "input",
    meaning: "A text is not a version range.",
    cause: "Ranges use npm's range syntax, for example `^1.2`, `>=1.0 <3`, `1.x`.",
    remedy: "Correct the range; `*` means any version.",
  },
  SPEC_MANIFEST_NOT_JSON: {
    kind: "input",
    meaning: "A manifest is not strict JSON.",
    cause:
      "A syntax error, a comment, a trailing comma, a member named twice, invalid UTF-8, or nesting that is too deep.",
    remedy: "Correct the place that the message names.",
  },
  SPEC_MANIFEST_TOO_LARGE: {
    kind: "input",
    meaning: "A manifest is larger than a host reads.",
    cause: "A manifest is at most 256 KiB.",
    remedy: "Shorten descriptions, or move examples out of the schemas.",
  },
  SPEC_MANIFEST_INVALID: {
    kind: "input",
    meaning: "A manifest is JSON, but does not say what a manifest must say.",
    cause:
      "A member is missing, unknown, of the wrong type or outside its limits. The details list every problem with line and column.",
    remedy: "Correct the listed places. An editor that reads `manifest.schema.json` marks them while typing.",
  },
  SPEC_MANIFEST_EDIT_FAILED: {
    kind: "internal",
    meaning: "A manifest could not be edited so that it says exactly what was wanted.",
    cause: "A defect of Berth. The edited text was compared before anything was written, and thrown away.",
    remedy: "Edit the manifest by hand, and report the manifest with what it should have become.",
  },
  SPEC_SCHEMA_OUTSIDE_DIALECT: {
    kind: "input",
    meaning: "A JSON Schema uses something that Berth's closed dialect leaves out.",
    cause:
      "Schemas of plugins are hostile input. Unknown keywords, remote or recursive `$ref`, `uniqueItems` over objects, patterns outside RE2 and oversized schemas are refused, because each of them can stall a host.",
    remedy: "Rewrite the schema at the path that the message names; the guide to schemas lists every keyword allowed.",
  },
  SPEC_ENVELOPE_INVALID: {
    kind: "input",
    meaning: "A signature envelope is not well-formed.",
    cause: "The file is damaged, or was not written by `berth sign`.",
    remedy: "Sign the package again.",
  },
} as const satisfies Record<string, ErrorRow>;

export type SpecErrorCode = keyof typeof specErrors;

/** Refusals of `@berth/spec`: ids, versions, ranges, manifests and schemas that are not what they should be. */
export class SpecError extends CodedError<SpecErrorCode> {
  constructor(code: SpecErrorCode, message: string, extras?: ErrorExtras) {
    super(specErrors, code, message, extras);
  }
}
