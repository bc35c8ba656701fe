import type { DialectSchema } from "@berth/spec";
import { Ajv2020 } from "ajv/dist/2020.js";
import { RE2JS } from "re2js";

/** Why a value does not fit. */
export interface SchemaFault {
  /** JSON pointer into the value; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** Answers `undefined` for a value that fits. */
export type Validate = (value: unknown) => SchemaFault | undefined;

/** Ajv's hook for regular expressions: RE2 runs in time linear to the text, whatever the pattern. */
const linearRegExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    // Ajv keeps one expression for each text that `toString` gives: without it all patterns would be one.
    return { test: (text: string): boolean => compiled.matcher(text).find(), toString: () => pattern };
  },
  { code: "linearRegExp" },
);

const ajv = new Ajv2020({
  // The dialect was checked by `spec`; Ajv's own strictness is about style.
  strict: false,
  validateSchema: false,
  allErrors: false,
  validateFormats: false,
  // `required: ["toString"]` must not be satisfied by Object.prototype.
  ownProperties: true,
  addUsedSchema: false,
  code: { regExp: linearRegExp },
  logger: false,
});

/** Compiles a schema of the dialect. Call it in a worker first: a schema is hostile input. */
export function compileSchema(schema: DialectSchema): Validate {
  const validate = ajv.compile(schema);
  // Ajv would keep every schema it ever saw; this one lives as long as whoever asked for it.
  if (typeof schema === "object") ajv.removeSchema(schema);
  return (value) => {
    if (validate(value)) return undefined;
    const error = validate.errors?.[0];
    const extra =
      error?.keyword === "additionalProperties"
        ? ` (${JSON.stringify(String(error.params["additionalProperty"]).slice(0, 80))})`
        : "";
    const allowed = error?.keyword === "enum" ? `: ${JSON.stringify(error.params["allowedValues"]).slice(0, 200)}` : "";
    return { path: error?.instancePath ?? "", message: `${error?.message ?? "does not fit"}${extra}${allowed}` };
  };
}
