// The thread where schemas of plugins are compiled for the first time, and large values are parsed and checked.
// It may be ended at any moment by its owner.
import { parentPort } from "node:worker_threads";

import type { DialectSchema } from "@berth/spec";
import { decodeValue } from "@berth/wire";

import { compileSchema } from "./compile.ts";
import type { Validate } from "./compile.ts";
import type { SchemaReply, SchemaRequest } from "./messages.ts";

const MAX_KEPT = 100;
const kept = new Map<string, Validate>();

function validatorOf(schema: DialectSchema): Validate {
  const key = JSON.stringify(schema);
  let validate = kept.get(key);
  if (validate === undefined) {
    validate = compileSchema(schema);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, validate);
  }
  return validate;
}

function answer(request: SchemaRequest): SchemaReply {
  const { id } = request;
  if (request.kind === "compile") {
    for (const [index, schema] of request.schemas.entries()) {
      try {
        validatorOf(schema);
      } catch (error) {
        return { id, unusable: { index, message: error instanceof Error ? error.message : "unknown" } };
      }
    }
    return { id };
  }
  if (request.kind === "value") {
    const found = validatorOf(request.schema)(decodeValue(request.value));
    return found === undefined ? { id } : { id, fault: found };
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(request.json));
  } catch (error) {
    return { id, notJson: error instanceof Error ? error.message : "unknown" };
  }
  const fault = validatorOf(request.schema)(value);
  return fault === undefined ? { id } : { id, fault };
}

parentPort?.on("message", (request: SchemaRequest) => parentPort?.postMessage(answer(request)));
