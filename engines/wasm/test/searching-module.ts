import { buildModule } from "./module-builder.ts";

const LOAD = 0;
const STORE = 1;
const MARK = [0x41, 0xab, 0x01]; // i32.const 0xab
const AT = [0x23, 0x00]; // global.get 0
const AT_LONG = [...AT, 0xad]; // i64.extend_i32_u
const answer = (code: number): number[] => [0x04, 0x40, 0x41, code, 0x0f, 0x0b]; // if; i32.const code; return; end

/**
 * Looks at each byte of its linear memory (code 1 for one that is not zero) and of the memory that it shares with its
 * host (code 2), and writes a mark over it. Answers code 0 where it found none, and 3 where a mark did not stay.
 */
export const SEARCHES = buildModule({
  types: [
    [0x60, 1, 0x7e, 1, 0x7f], // (i64) -> i32
    [0x60, 2, 0x7e, 0x7f, 0], // (i64, i32) -> ()
    [0x60, 0, 1, 0x7f], // () -> i32
  ],
  imports: [
    { module: "extism:host/env", name: "load_u8", descriptor: [0x00, 1] },
    { module: "extism:host/env", name: "store_u8", descriptor: [0x00, 2] },
  ],
  memories: [1, 0x00, 0x01],
  globals: [1, 0x7f, 0x01, 0x41, 0x00, 0x0b],
  type: 3,
  code: [
    [0x41, 0x00, 0x24, 0x00], // the global is the place, from 0 on
    [0x03, 0x40], // loop
    [...AT, 0x2d, 0x00, 0x00, ...answer(1)], // i32.load8_u
    [...AT_LONG, 0x10, LOAD, ...answer(2)],
    [...AT, ...MARK, 0x3a, 0x00, 0x00], // i32.store8
    [...AT_LONG, ...MARK, 0x10, STORE],
    [...AT, 0x41, 0x01, 0x6a, 0x24, 0x00], // the next place
    [...AT, 0x41, 0x80, 0x80, 0x04, 0x49, 0x0d, 0x00, 0x0b], // while it is below 65,536; end
    [0x42, 0x07, 0x10, LOAD, ...MARK, 0x47, ...answer(3)],
    [0x41, 0x00],
  ].flat(),
});
