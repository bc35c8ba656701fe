// A part of the library that is loaded when a plugin first asks for `atob` or `btoa`. Built into a script of its own.
import { atob, btoa } from "./base64-text.ts";

export const make = (): Record<string, unknown> => ({ atob, btoa });
