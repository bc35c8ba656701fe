/** What a plugin's failure says when a host function said no. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A module whose one function, `t`, traps. */
const TRAPPING = Buffer.from("0061736d01000000" + "01040160000003020100" + "07050101740000" + "0a05010300000b", "hex");
const trap = new WebAssembly.Instance(new WebAssembly.Module(TRAPPING), {}).exports["t"] as () => never;

const refusals = new WeakMap<object, Refusal>();

/**
 * What a host function throws to end the call. A module's `catch_all` catches whatever JavaScript throws, but no
 * trap, and V8 knows a trap by the very object: so this is one. Code that could catch it would go on, be it
 * cancelled, unloaded or out of CPU time.
 */
export function refused(code: string, message: string): Error {
  try {
    return trap();
  } catch (error) {
    refusals.set(error as Error, { code, message });
    return error as Error;
  }
}

/** What `refused` was told, if it made this. */
export const tryReadRefusal = (error: unknown): Refusal | undefined =>
  typeof error === "object" && error !== null ? refusals.get(error) : undefined;
