import type { DialectSchema } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import type { SchemaFault } from "./compile.ts";

/** What the schema worker is asked. */
export type SchemaRequest =
  /** Compile, to see that it ends. */
  | { readonly id: number; readonly kind: "compile"; readonly schemas: readonly DialectSchema[] }
  /** Parse JSON text and compare it with a schema. */
  | { readonly id: number; readonly kind: "check"; readonly schema: DialectSchema; readonly json: Uint8Array }
  /** Compare a value that crossed with a schema. */
  | { readonly id: number; readonly kind: "value"; readonly schema: DialectSchema; readonly value: WireValue };

export interface SchemaReply {
  readonly id: number;
  /** Index of the schema that did not compile, with its message. */
  readonly unusable?: { readonly index: number; readonly message: string };
  readonly fault?: SchemaFault;
  readonly notJson?: string;
}
