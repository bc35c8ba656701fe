import { sanitize } from "@berth/base";

/** What a file is written in, as far as the scanner tells languages apart. */
export type Language =
  | "javascript"
  | "typescript"
  | "jsx"
  | "tsx"
  | "python"
  | "shell"
  | "html"
  | "css"
  | "json"
  | "markdown"
  | "yaml"
  | "wasm"
  | "text"
  | "binary"
  | "media"
  | "other-code";

const byExtension = new Map<string, Language>([
  ...list("javascript", "js mjs cjs es6 jsm"),
  ...list("jsx", "jsx"),
  ...list("typescript", "ts mts cts"),
  ...list("tsx", "tsx"),
  ...list("python", "py pyw pyi pth"),
  ...list("shell", "sh bash zsh fish ps1 psm1 bat cmd command"),
  ...list("html", "html htm xhtml svg vue svelte"),
  ...list("css", "css scss less sass"),
  ...list("json", "json jsonc json5 webmanifest map"),
  ...list("markdown", "md mdx markdown mdc"),
  ...list("yaml", "yml yaml toml ini cfg conf gyp"),
  ...list("wasm", "wasm"),
  ...list("text", "txt license csv tsv log editorconfig gitignore npmignore rst"),
  ...list("media", "png jpg jpeg gif bmp webp ico avif woff woff2 ttf otf eot mp3 wav ogg mp4 webm pdf"),
  ...list("other-code", "rb php pl lua go rs c cc cpp h hpp java kt swift cs r jl groovy scala vbs"),
]);

function list(language: Language, extensions: string): [string, Language][] {
  return extensions.split(" ").map((extension) => [extension, language]);
}

/** The language by name, then by the first line, then by content. */
export function languageOf(path: string, bytes: Uint8Array): Language {
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) return "wasm";
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const dot = name.lastIndexOf(".");
  const known = byExtension.get(dot < 0 ? name : name.slice(dot + 1));
  if (known !== undefined) return known;
  const firstLine = asciiHead(bytes);
  if (firstLine.startsWith("#!")) {
    if (/\b(?:node|bun|deno)\b/u.test(firstLine)) return "javascript";
    return /python/u.test(firstLine) ? "python" : "shell";
  }
  return looksBinary(bytes) ? "binary" : "text";
}

function asciiHead(bytes: Uint8Array): string {
  let head = "";
  for (const byte of bytes.subarray(0, 120)) {
    if (byte === 10 || byte === 13) break;
    head += byte < 127 ? String.fromCharCode(byte) : "?";
  }
  return head;
}

/** Executable formats, or zero bytes near the start. */
export function looksBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4096).includes(0);
}

/** One file under scan: its bytes, its text, and where its lines begin. */
export class SourceFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly language: Language;
  readonly text: string;
  /** Whether the bytes are not UTF-8; the text then has replacement characters. */
  readonly isMalformed: boolean;
  #lineStarts: number[] | undefined;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.language = languageOf(path, bytes);
    const isText = this.language !== "wasm" && this.language !== "binary" && this.language !== "media";
    this.text = isText ? decode(bytes) : "";
    this.isMalformed = isText && this.text.includes("\uFFFD") && !includesReplacement(bytes);
  }

  /** Line and column from 1 of an offset in the text. */
  positionOf(offset: number): { readonly line: number; readonly column: number } {
    const starts = (this.#lineStarts ??= lineStartsOf(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.max(1, offset - (starts[low] as number) + 1) };
  }

  /** The code at an offset, cut to about 160 characters, with everything dangerous escaped. */
  excerptAt(offset: number, end = offset): string {
    const { text } = this;
    const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
    let lineEnd = text.indexOf("\n", offset);
    if (lineEnd < 0) lineEnd = text.length;
    const from = Math.max(lineStart, offset - 40);
    const to = Math.min(lineEnd, Math.max(offset + 120, Math.min(end, offset + 160)));
    const cut = text.slice(from, to).trim();
    return sanitize(`${from > lineStart ? "…" : ""}${cut}${to < lineEnd ? "…" : ""}`, 240);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  // UTF-16 with a byte order mark is a way to hide text from scanners that read UTF-8 alone.
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  const text = decoder.decode(bytes);
  return text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
}

function includesReplacement(bytes: Uint8Array): boolean {
  for (let index = 0; index + 2 < bytes.length; index += 1) {
    if (bytes[index] === 0xef && bytes[index + 1] === 0xbf && bytes[index + 2] === 0xbd) return true;
  }
  return false;
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
