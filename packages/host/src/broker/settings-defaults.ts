type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A value with the defaults of its schema put in where it says nothing, at every depth. An object that was left out is
 * made of the defaults of its members where those are all that it must have.
 */
export function withDefaults(schema: unknown, value: unknown): unknown {
  const { $defs } = isObject(schema) ? schema : {};
  return fill(isObject($defs) ? $defs : {}, schema, value);
}

// The dialect refuses schemas that lead back to themselves, and bounds what they come to once written out.
function fill(definitions: Members, schema: unknown, value: unknown): unknown {
  if (!isObject(schema)) return value;
  const { $ref, allOf, properties, items } = schema;
  const others = [...(typeof $ref === "string" ? [referred(definitions, $ref)] : []), ...(listOf(allOf) ?? [])];
  let filled = value;
  for (const other of others) filled = fill(definitions, other, filled);
  if (Array.isArray(filled)) return filled.map((item) => fill(definitions, items, item));
  if (!isObject(filled) || !isObject(properties)) return filled;
  const members = new Map(Object.entries(filled));
  for (const [name, member] of Object.entries(properties)) {
    const found = members.has(name) ? fill(definitions, member, members.get(name)) : standIn(definitions, member);
    if (found !== undefined) members.set(name, found);
  }
  return Object.fromEntries(members);
}

/** For a member that was not set; `undefined`: nothing. */
function standIn(definitions: Members, schema: unknown): unknown {
  if (!isObject(schema)) return undefined;
  if (Object.hasOwn(schema, "default")) return fill(definitions, schema, schema["default"]);
  const { $ref, type, required } = schema;
  if (typeof $ref === "string") return standIn(definitions, referred(definitions, $ref));
  if (type !== "object") return undefined;
  const made = fill(definitions, schema, {}) as Members;
  const isWhole = (listOf(required) ?? []).every((name) => typeof name === "string" && Object.hasOwn(made, name));
  return isWhole && Object.keys(made).length > 0 ? made : undefined;
}

const listOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);

function referred(definitions: Members, ref: string): unknown {
  const name = ref.slice("#/$defs/".length);
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}
