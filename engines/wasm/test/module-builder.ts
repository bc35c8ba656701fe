import { formatUint } from "@berth/sandbox";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const name = (text: string): number[] => [...formatUint(text.length), ...Buffer.from(text, "latin1")];
const vector = (items: readonly (readonly number[])[]): number[] => [...formatUint(items.length), ...items.flat()];
const NO_PARAMETERS = [0x60, 0x00, 0x00];
const END = 0x0b;

/** Parts of a module, by hand: what no compiler would write. */
export interface ModuleParts {
  /** Types 1 and following; type 0 has no parameters and no result. */
  readonly types?: readonly (readonly number[])[];
  readonly imports?: readonly { module: string; name: string; descriptor: readonly number[] }[];
  /** Bodies of the sections: limits with their count. */
  readonly tables?: readonly number[];
  readonly memories?: readonly number[];
  readonly globals?: readonly number[];
  /** Exports besides `run`: name, kind and index. */
  readonly exports?: readonly { name: string; kind: number; index: number }[];
  /** Instructions of the start function. */
  readonly start?: readonly number[];
  /** Instructions of the exported function, `run`, and its type. */
  readonly code?: readonly number[];
  readonly type?: number;
  /** Further sections at the end. */
  readonly rest?: readonly number[];
}

/** A function import of type 0. */
export const FUNCTION = [0x00, 0x00];

/** A section by its id. */
export const section = (id: number, body: readonly number[]): number[] => [id, ...formatUint(body.length), ...body];

/** The functions are `run` and, after it, the start function. */
export function buildModule(parts: ModuleParts): Uint8Array {
  const { types = [], imports = [], tables, memories, globals, exports = [], start, code = [], type = 0 } = parts;
  const entries = imports.map((each) => [...name(each.module), ...name(each.name), ...each.descriptor]);
  const run = imports.filter(({ descriptor }) => descriptor[0] === 0x00).length;
  const bodies = [code, ...(start === undefined ? [] : [start])].map((each) => {
    const body = [0x00, ...each, END];
    return [...formatUint(body.length), ...body];
  });
  const shown = [{ name: "run", kind: 0, index: run }, ...exports];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, vector([NO_PARAMETERS, ...types])),
    ...(entries.length === 0 ? [] : section(2, vector(entries))),
    ...section(3, vector([[type], ...(start === undefined ? [] : [[0]])])),
    ...(tables === undefined ? [] : section(4, tables)),
    ...(memories === undefined ? [] : section(5, memories)),
    ...(globals === undefined ? [] : section(6, globals)),
    ...section(7, vector(shown.map((each) => [...name(each.name), each.kind, each.index]))),
    ...(start === undefined ? [] : section(8, [run + 1])),
    ...section(10, vector(bodies)),
    ...(parts.rest ?? []),
  ]);
}
