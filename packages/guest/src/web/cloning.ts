// A part of the library that is loaded when a plugin first asks for `structuredClone`. Built into a script of its own.
import { structuredClone } from "./structured-clone.ts";

export const make = (): Record<string, unknown> => ({ structuredClone });
