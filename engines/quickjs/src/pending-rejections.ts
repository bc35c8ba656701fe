import type { Box, QuickJsExports } from "./quickjs-exports.ts";

type Exports = Pick<QuickJsExports, "qjs_promise_result" | "qjs_get_value_ptr" | "qjs_free_value">;

/**
 * Promises of the entry under way that were rejected while nobody handled them. QuickJS tells of each, and again when
 * somebody handles it after all. Each is kept alive, so that its address means no other promise; so there are
 * as many as the guest's memory holds.
 */
export class PendingRejections {
  readonly #exports: Exports;
  /** Boxes of the promises, by the address of the promise. */
  readonly #promises = new Map<number, Box>();

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** Both boxes are the caller's to free, which is this. */
  note(promise: Box, reason: Box, isHandled: boolean): void {
    const address = this.#exports.qjs_get_value_ptr(promise);
    const known = this.#promises.get(address);
    this.#exports.qjs_free_value(reason);
    if (!isHandled && known === undefined) {
      this.#promises.set(address, promise);
      return;
    }
    this.#exports.qjs_free_value(promise);
    if (!isHandled || known === undefined) return;
    this.#promises.delete(address);
    this.#exports.qjs_free_value(known);
  }

  /** Why the first was rejected; forgets all of them. */
  take(): Box | undefined {
    const [first] = this.#promises.values();
    this.forget();
    return first === undefined ? undefined : this.#exports.qjs_promise_result(first);
  }

  /** The memory that the boxes were in is put back. */
  forget(): void {
    this.#promises.clear();
  }
}
