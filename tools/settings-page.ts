// The page of a server's settings, from the schema by which they are checked.
import { z } from "zod";

interface Setting {
  readonly description?: string;
  readonly enum?: readonly unknown[];
}

const shown = (value: unknown): string =>
  value === undefined ? "" : `\`${Array.isArray(value) ? value.join(",") : String(value)}\``;

/** One row for each setting: variable, default, meaning. `defaults` is what a server starts with. */
export function settingsPage(
  schema: z.ZodObject,
  defaults: Readonly<Record<string, unknown>>,
  variableOf: (setting: string) => string,
): string {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description = "", enum: values } = property as Setting;
    const choice = values === undefined ? "" : ` One of ${values.map(shown).join(", ")}.`;
    const byDefault = required.includes(name) ? "required" : shown(defaults[name]);
    return `| \`${variableOf(name)}\` | ${byDefault} | ${description}${choice} |`;
  });
  return [
    "# Settings of a registry",
    "",
    "Each setting is an environment variable, or a line `NAME=value` in the settings file; the environment wins over the file.",
    "A name that is misspelt and a value outside its limits end the start with `REGISTRY_CONFIG_INVALID`.",
    "Times are in milliseconds, sizes in bytes.",
    "",
    "| Name | Default | Meaning |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
