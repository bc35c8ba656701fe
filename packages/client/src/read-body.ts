import { concatBytes, decodeUtf8, quote } from "@berth/base";
import type { z } from "zod";

import { ClientError } from "./errors.ts";

/** Reads at most so many bytes. @throws ClientError CLIENT_ANSWER_TOO_LARGE */
export async function readBytes(body: AsyncIterable<Uint8Array>, maxBytes: number, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > maxBytes) {
      throw new ClientError("CLIENT_ANSWER_TOO_LARGE", `${what}: the answer has more than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return concatBytes(parts);
}

/**
 * Parses a text that came from a registry and compares it with its schema. Members that the schema does not
 * know are dropped, so that registries may learn new ones.
 *
 * @throws ClientError CLIENT_ANSWER_INVALID
 */
export function parseJson<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema, what: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    throw new ClientError("CLIENT_ANSWER_INVALID", `${what}: the answer is not JSON`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the answer" : quote(issue.path.join("."));
  throw new ClientError("CLIENT_ANSWER_INVALID", `${what}: ${where} is not what the protocol says: ${issue?.message}`);
}
