// A part of the library that is loaded when a plugin first asks for `URL`. Built into a script of its own.
export { makeUrlClasses as make } from "./url.ts";
