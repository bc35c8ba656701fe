/** The compiler's library has the type alone. */
const { Iterator } = globalThis as unknown as { Iterator: { prototype: object } };

/**
 * Members that one engine has and another has not yet, or never will: they go, so that a plugin which works at one
 * level works at all of them. `engines-alike.test.ts` tells when an engine brings more.
 */
const UNEVEN_MEMBERS: readonly (readonly [holder: object, names: readonly string[]])[] = [
  [ArrayBuffer.prototype, ["immutable", "sliceToImmutable", "transferToImmutable"]],
  [Function.prototype, ["columnNumber", "fileName", "lineNumber"]],
  [Iterator, ["concat", "zip", "zipKeyed"]],
  [Iterator.prototype, ["chunks", "includes", "join", "windows"]],
  [Map.prototype, ["getOrInsert", "getOrInsertComputed"]],
  [WeakMap.prototype, ["getOrInsert", "getOrInsertComputed"]],
  [Math, ["sumPrecise"]],
  [Uint8Array, ["fromBase64", "fromHex"]],
  [Uint8Array.prototype, ["setFromBase64", "setFromHex", "toBase64", "toHex"]],
  // What the last match was, wherever in the realm it was made.
  [RegExp, ["input", "lastMatch", "lastParen", "leftContext", "rightContext", "$_", "$&", "$+", "$`", "$'"]],
  [RegExp, ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9"]],
];

export function removeUnevenMembers(): void {
  for (const [holder, names] of UNEVEN_MEMBERS) for (const name of names) Reflect.deleteProperty(holder, name);
}
