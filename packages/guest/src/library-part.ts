/**
 * Parts of the guest library that few plugins need. Each is a script of its own: what is loaded in every
 * compartment costs every cold start, and at strict every call.
 */
export type LibraryPart = "addresses" | "base64" | "cloning" | "digests";

/** Words by which a bundle shows that it will need a part. Only a guess: a part that was not guessed loads when asked for. */
const SIGNS: Readonly<Record<LibraryPart, RegExp>> = {
  addresses: /\bURL(?:SearchParams)?\b/u,
  base64: /\b(?:atob|btoa)\b/u,
  cloning: /\bstructuredClone\b/u,
  digests: /\bsubtle\b/u,
};

export const LIBRARY_PARTS = Object.keys(SIGNS) as LibraryPart[];

/** Parts that a bundle will probably need, for engines that keep what was loaded once. */
export const partsNeededBy = (code: string): LibraryPart[] => LIBRARY_PARTS.filter((part) => SIGNS[part].test(code));

/** A part as a script: evaluated, it answers with what makes the part. Strict, like all of the library. */
export const formatPartScript = (builtScript: string): string =>
  `(() => { "use strict"; ${builtScript}\nreturn berthPart.make; })()`;
