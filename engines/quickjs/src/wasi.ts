const SUCCESS = 0;
const BADF = 8;

/**
 * What quickjs.wasm imports of WASI preview 1: a clock, which the engine sets, and refusals. There are no
 * files, no random bytes, and nothing to write to.
 */
export function wasiRefusals(writeNow: (address: number) => void): Record<string, (...args: never[]) => number> {
  const refuse = (): number => BADF;
  return {
    clock_time_get: (_id: number, _precision: bigint, address: number) => {
      writeNow(address);
      return SUCCESS;
    },
    fd_close: refuse,
    fd_fdstat_get: refuse,
    fd_seek: refuse,
    fd_write: refuse,
    random_get: refuse,
  };
}
