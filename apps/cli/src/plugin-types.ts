import type { DialectSchema, Manifest } from "@berth/spec";

/** The name of the file that `berth types` writes beside the plugin's entry. */
export const TYPES_FILE = "berth.gen.d.ts";

/** TypeScript declarations for a plugin's actions, from the schemas of its manifest. */
export function formatPluginTypes(manifest: Manifest): string {
  const actions = Object.entries(manifest.contributes.actions).map(([name, { title, input, output, streams }]) => {
    const comment = title === undefined ? [] : [`    /** ${title.replaceAll("*/", "*\\/")} */`];
    return [
      ...comment,
      `    ${JSON.stringify(name)}: {`,
      `      input: ${typeOf(input, definitionsOf(input), 6)};`,
      `      ${streams === true ? "item" : "output"}: ${typeOf(output, definitionsOf(output), 6)};`,
      "    };",
    ].join("\n");
  });
  return [
    "// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.",
    "export interface Plugin {",
    "  actions: {",
    ...actions,
    "  };",
    "}",
    "",
  ].join("\n");
}

type Definitions = ReadonlyMap<string, DialectSchema>;

function definitionsOf(schema: DialectSchema): Definitions {
  const definitions = typeof schema === "object" ? schema["$defs"] : undefined;
  return new Map(Object.entries((definitions ?? {}) as Record<string, DialectSchema>));
}

const MAX_ENUM = 50;

/** The dialect has no recursion, so writing out references ends. */
function typeOf(schema: DialectSchema, definitions: Definitions, indent: number): string {
  if (schema === true) return "unknown";
  if (schema === false) return "never";
  const parts: string[] = [];
  const ref = schema["$ref"];
  if (typeof ref === "string")
    parts.push(typeOf(definitions.get(ref.slice("#/$defs/".length)) ?? true, definitions, indent));
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const options = schema[keyword] as readonly DialectSchema[] | undefined;
    if (options !== undefined) parts.push(union(options.map((option) => typeOf(option, definitions, indent))));
  }
  const all = schema["allOf"] as readonly DialectSchema[] | undefined;
  if (all !== undefined) parts.push(...all.map((part) => typeOf(part, definitions, indent)));
  if ("const" in schema) parts.push(literal(schema["const"]));
  const values = schema["enum"] as readonly unknown[] | undefined;
  if (values !== undefined && values.length <= MAX_ENUM) parts.push(union(values.map(literal)));
  else if (schema["type"] !== undefined) {
    const types = Array.isArray(schema["type"]) ? (schema["type"] as string[]) : [schema["type"] as string];
    parts.push(union(types.map((type) => plainType(type, schema, definitions, indent))));
  } else if (parts.length === 0 && ("properties" in schema || "additionalProperties" in schema)) {
    parts.push(objectType(schema, definitions, indent));
  }
  const known = parts.filter((part) => part !== "unknown");
  if (known.length === 0) return "unknown";
  return known.length === 1 ? (known[0] as string) : known.map((part) => `(${part})`).join(" & ");
}

function plainType(
  type: string,
  schema: Exclude<DialectSchema, boolean>,
  definitions: Definitions,
  indent: number,
): string {
  switch (type) {
    case "integer":
      return "number";
    case "array":
      return arrayType(schema, definitions, indent);
    case "object":
      return objectType(schema, definitions, indent);
    default:
      return type;
  }
}

function arrayType(schema: Exclude<DialectSchema, boolean>, definitions: Definitions, indent: number): string {
  const rest = schema["items"] as DialectSchema | undefined;
  const first = schema["prefixItems"] as readonly DialectSchema[] | undefined;
  const item = typeOf(rest ?? true, definitions, indent);
  if (first === undefined) return `(${item})[]`;
  const minimum = Number(schema["minItems"] ?? 0);
  const items = first.map((each, index) => `(${typeOf(each, definitions, indent)})${index < minimum ? "" : "?"}`);
  return `[${[...items, ...(rest === false ? [] : [`...(${item})[]`])].join(", ")}]`;
}

function objectType(schema: Exclude<DialectSchema, boolean>, definitions: Definitions, indent: number): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, DialectSchema>);
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const others = schema["additionalProperties"] as DialectSchema | undefined;
  const pad = " ".repeat(indent + 2);
  const members = properties.map(([name, property]) => {
    const optional = required.has(name) ? "" : "?";
    const undefinedToo = required.has(name) ? "" : " | undefined";
    return `${pad}${JSON.stringify(name)}${optional}: ${typeOf(property, definitions, indent + 2)}${undefinedToo};`;
  });
  if (others !== false) {
    // An index signature must admit every named member, so it can be precise only when it stands alone.
    const type = members.length === 0 && others !== undefined ? typeOf(others, definitions, indent + 2) : "unknown";
    members.push(`${pad}[name: string]: ${type};`);
  }
  return members.length === 0 ? "Record<string, never>" : `{\n${members.join("\n")}\n${" ".repeat(indent)}}`;
}

const union = (types: readonly string[]): string => [...new Set(types)].join(" | ") || "never";

function literal(value: unknown): string {
  return typeof value === "object" && value !== null ? "unknown" : JSON.stringify(value);
}
