import type { DialectSchema } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import { compileSchema } from "./compile.ts";
import type { SchemaFault, Validate } from "./compile.ts";
import type { SchemaThread } from "./node-schema-thread.ts";
import { isLight } from "./weigh.ts";

/** Compares values with schemas of plugins: here what takes no time, in another thread what does. */
export class ValueCheck {
  readonly #schemas: Pick<SchemaThread, "checkValue">;
  readonly #compiled = new WeakMap<object, Validate>();

  constructor(schemas: Pick<SchemaThread, "checkValue">) {
    this.#schemas = schemas;
  }

  /**
   * What keeps a value from fitting. `crossing` is the same value as it crosses; `compiled` a validator that the
   * caller keeps. Answers at once where it can: every call comes by here twice.
   *
   * @throws HostError HOST_SCHEMA_UNUSABLE when it takes too long
   */
  faultOf(
    schema: DialectSchema,
    value: unknown,
    crossing: WireValue,
    compiled = (): Validate => this.#validatorOf(schema),
  ): SchemaFault | undefined | Promise<SchemaFault | undefined> {
    const size = crossing.bytes.reduce((sum, section) => sum + section.length, crossing.json.length);
    return isLight(schema, size) ? compiled()(value) : this.#schemas.checkValue(schema, crossing);
  }

  #validatorOf(schema: DialectSchema): Validate {
    if (typeof schema === "boolean") return compileSchema(schema);
    let validate = this.#compiled.get(schema);
    if (validate === undefined) this.#compiled.set(schema, (validate = compileSchema(schema)));
    return validate;
  }
}
