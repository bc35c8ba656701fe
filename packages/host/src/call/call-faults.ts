import { quote } from "@berth/base";
import { INLINE_VALUE_BYTES } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { SchemaFault } from "../schema/compile.ts";
import type { InstalledPlugin } from "./installed-plugin.ts";

/** The refusal of a value that does not fit its schema. */
export function valueInvalid(
  side: "input" | "output",
  { manifest }: InstalledPlugin,
  action: string,
  { path, message }: SchemaFault,
): HostError {
  const at = path === "" ? "" : ` at ${quote(path)}`;
  return new HostError(
    side === "input" ? "HOST_INPUT_INVALID" : "HOST_OUTPUT_INVALID",
    `the ${side} of ${manifest.id} ${action}${at} ${message}`,
    { details: { path, message } },
  );
}

/** @throws HostError HOST_VALUE_TOO_LARGE */
export function refuseLarge(side: "input" | "output", { json, bytes }: WireValue, hint = "Use callBytes."): void {
  const size = bytes.reduce((sum, section) => sum + section.length, json.length);
  if (size <= INLINE_VALUE_BYTES) return;
  throw new HostError(
    "HOST_VALUE_TOO_LARGE",
    `the ${side} has ${size} bytes, this call takes at most ${INLINE_VALUE_BYTES}`,
    { hint },
  );
}
