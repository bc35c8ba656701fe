import { SourceMap } from "node:module";

const MAX_MAP_BYTES = 8 * 1_048_576;
const POSITION = /(plugin\.js|[\w./-]+\.js):(\d+):(\d+)/g;

/**
 * Rewrites the places of a stack to the author's source. The map comes from the package, so it only ever
 * changes words shown to people; a map that does not parse leaves the stack as it is.
 */
export function mapStack(stack: string, sourceName: string, mapBytes: Uint8Array | undefined): string {
  if (mapBytes === undefined || mapBytes.length > MAX_MAP_BYTES || stack === "") return stack;
  let map: SourceMap;
  try {
    map = new SourceMap(JSON.parse(Buffer.from(mapBytes).toString("utf8")));
  } catch {
    return stack; // A damaged map costs readable places, nothing else.
  }
  return stack.replace(POSITION, (place, file: string, line: string, column: string) => {
    if (file !== sourceName) return place;
    const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry) || entry.originalSource === undefined) return place;
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}
