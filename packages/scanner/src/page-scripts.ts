/**
 * A page's scripts as one program of the same length: everything but script content is blanked, so that
 * offsets stay those of the page. Handlers in attributes (`onerror="…"`) become statements.
 */
export function pageScripts(text: string): string {
  const pieces: { readonly start: number; readonly end: number }[] = [];
  const script = /<script\b/giu;
  // The end of a tag only moves forward, so that tags without an end cost no more than one search.
  let tagEnd = -1;
  for (let open = script.exec(text); open !== null && pieces.length < 2000; open = script.exec(text)) {
    if (tagEnd < open.index) tagEnd = text.indexOf(">", open.index);
    if (tagEnd < 0) break;
    if (tagEnd - open.index > 4000) continue;
    const start = tagEnd + 1;
    const close = indexOfClose(text, start);
    const attributes = text.slice(open.index, tagEnd);
    const type = /\btype\s*=\s*["']?([^"'\s>]+)/iu.exec(attributes)?.[1]?.toLowerCase();
    const isCode = type === undefined || /javascript|module|ecmascript|babel|jsx|typescript/u.test(type);
    if (isCode) pieces.push({ start, end: close });
    script.lastIndex = close;
  }
  const handler = /\son[a-z]{3,20}\s*=\s*("[^"]{1,4000}"|'[^']{1,4000}')/giu;
  for (let found = handler.exec(text); found !== null && pieces.length < 4000; found = handler.exec(text)) {
    const value = found[1] ?? "";
    const start = found.index + found[0].length - value.length + 1;
    if (!pieces.some((piece) => piece.start <= start && start < piece.end))
      pieces.push({ start, end: start + value.length - 2 });
  }
  pieces.sort((a, b) => a.start - b.start);
  let result = "";
  let at = 0;
  for (const piece of pieces) {
    result += blank(text.slice(at, piece.start));
    result += text.slice(piece.start, piece.end);
    at = piece.end;
    // The quote or `<` that ended the piece becomes the end of a statement.
    if (at < text.length) {
      result += ";";
      at += 1;
    }
  }
  return result + blank(text.slice(at));
}

const blank = (text: string): string => text.replaceAll(/[^\n]/gu, (character) => " ".repeat(character.length));

function indexOfClose(text: string, from: number): number {
  const close = /<\/script/giu;
  close.lastIndex = from;
  return close.exec(text)?.index ?? text.length;
}
