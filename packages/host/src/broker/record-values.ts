import { quote } from "@berth/base";
import { formatStored } from "./storage-rows.ts";
import { nameOf, requestInvalid } from "./service.ts";
import type { ServiceRequest } from "./service.ts";

/** Names as permissions write them, without a pattern's star. */
const ENTITY = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
const FIELD = /^[A-Za-z0-9._/-]{1,128}$/;
const MAX_ID_LENGTH = 256;
const MAX_FIELDS = 256;
const MAX_WRITE_BYTES = 1_048_576;
const MAX_CURSOR_LENGTH = 1_024;
export const MAX_RECORDS = 1_000;

/** What every object has by birth: a provider that looks names up in plain objects must not find these. */
const isInborn = (name: string): boolean => name in Object.prototype || name === "prototype";

export function entityOf(method: string, { entity }: ServiceRequest): string {
  if (typeof entity === "string" && ENTITY.test(entity) && !isInborn(entity)) return entity;
  throw requestInvalid(method, `expected "entity" to name a kind of records, found ${quote(entity)}`);
}

export function idOf(method: string, request: ServiceRequest): string {
  const id = nameOf(method, request, "id", MAX_ID_LENGTH);
  if (isInborn(id)) throw requestInvalid(method, `${quote(id)} is no id of a record`);
  return id;
}

/** The fields that a plugin names; `undefined`: all that it may have. */
export function fieldNamesOf(method: string, { fields }: ServiceRequest): string[] | undefined {
  if (fields === undefined) return undefined;
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > MAX_FIELDS)
    throw requestInvalid(method, `expected "fields" to name 1 to ${MAX_FIELDS} fields, found ${quote(fields)}`);
  return [...new Set((fields as unknown[]).map((name) => fieldName(method, name)))];
}

/** The fields that a plugin writes. */
export function fieldsOf(method: string, { fields }: ServiceRequest): Record<string, unknown> {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields) || ArrayBuffer.isView(fields))
    throw requestInvalid(method, `expected "fields" to be an object, found ${quote(fields)}`);
  const entries = Object.entries(fields);
  if (entries.length === 0 || entries.length > MAX_FIELDS)
    throw requestInvalid(method, `expected 1 to ${MAX_FIELDS} fields, found ${entries.length}`);
  const { size } = formatStored("", fields);
  if (size > MAX_WRITE_BYTES)
    throw requestInvalid(method, `the fields have ${size} bytes, at most ${MAX_WRITE_BYTES} are written`);
  const written = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of entries) {
    refuseInborn(method, value);
    written[fieldName(method, name)] = value;
  }
  return written;
}

/** How many records, and from where. */
export function pageOf(method: string, request: ServiceRequest): { after: string | undefined; limit: number } {
  const { limit = MAX_RECORDS } = request;
  if (typeof limit !== "number" || !Number.isSafeInteger(limit) || limit < 1)
    throw requestInvalid(method, `expected a limit of 1 or more, found ${quote(limit)}`);
  const after = request["after"] === undefined ? undefined : nameOf(method, request, "after", MAX_CURSOR_LENGTH);
  return { after, limit: Math.min(limit, MAX_RECORDS) };
}

function fieldName(method: string, name: unknown): string {
  if (typeof name === "string" && FIELD.test(name) && !isInborn(name)) return name;
  throw requestInvalid(method, `${quote(name)} is no name of a field`);
}

/** At every depth: whoever merges what was written into objects of its own would write to their prototypes. */
function refuseInborn(method: string, value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (Array.isArray(value)) {
    for (const item of value) refuseInborn(method, item);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (isInborn(name)) throw requestInvalid(method, `a member is called ${quote(name)}, as parts of objects are`);
    refuseInborn(method, member);
  }
}
