/**
 * JavaScript Promise Integration: a module waits within a call of a host function while its thread does other
 * work. Standardised, on by default in Node 24, and missing in TypeScript's libraries.
 */
interface PromiseIntegration {
  readonly Suspending: new (wait: (...args: never[]) => Promise<unknown>) => object;
  readonly promising: (run: () => unknown) => () => Promise<unknown>;
}

const { Suspending, promising } = WebAssembly as unknown as PromiseIntegration;

/** A host function during which the module is suspended. It can be called only below an export made `suspendable`. */
export const suspending = (wait: (...args: never[]) => Promise<unknown>): object => new Suspending(wait);

/** An export whose call may be suspended. */
export const suspendable = (run: () => unknown): (() => Promise<unknown>) => promising(run);
