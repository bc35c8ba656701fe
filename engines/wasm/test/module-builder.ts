import { formatUint } from "@berth/sandbox";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const name = (text: string): number[] => [...formatUint(text.length), ...Buffer.from(text, "latin1")];
const section = (id: number, body: readonly number[]): number[] => [id, ...formatUint(body.length), ...body];
const NO_PARAMETERS = [0x60, 0x00, 0x00];
const END = 0x0b;

/** Parts of a module, by hand: what no compiler would write. */
export interface ModuleParts {
  readonly imports?: readonly { module: string; name: string; descriptor: readonly number[] }[];
  /** Bodies of the sections: limits with their count. */
  readonly tables?: readonly number[];
  readonly memories?: readonly number[];
  /** Instructions of the one exported function, `run`. */
  readonly code?: readonly number[];
}

/** A function import of type 0: no parameters, no result. */
export const FUNCTION = [0x00, 0x00];

export function buildModule({ imports = [], tables, memories, code = [] }: ModuleParts): Uint8Array {
  const entries = imports.flatMap((each) => [...name(each.module), ...name(each.name), ...each.descriptor]);
  const functions = imports.filter(({ descriptor }) => descriptor[0] === 0x00).length;
  const body = [0x00, ...code, END];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, [1, ...NO_PARAMETERS]),
    ...(imports.length === 0 ? [] : section(2, [...formatUint(imports.length), ...entries])),
    ...section(3, [1, 0]),
    ...(tables === undefined ? [] : section(4, tables)),
    ...(memories === undefined ? [] : section(5, memories)),
    ...section(7, [1, ...name("run"), 0x00, functions]),
    ...section(10, [1, ...formatUint(body.length), ...body]),
  ]);
}
