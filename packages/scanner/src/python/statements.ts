/** One logical line of Python: comments gone, strings kept apart. */
export interface Statement {
  readonly start: number;
  /** The code with each string replaced by `"…"` of the same meaning: quotes and content are in `strings`. */
  readonly code: string;
  readonly strings: readonly string[];
  readonly indent: number;
}

/**
 * Splits Python into logical lines: brackets and backslashes continue a line, strings of all forms are
 * taken out, adjacent strings are joined. Linear in the text, no grammar beyond that.
 */
export function pythonStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  let code = "";
  let strings: string[] = [];
  let start = 0;
  let depth = 0;
  let indent = 0;
  /** Whether `code` has nothing but space so far; asking it each time would cost the square of a line. */
  let isBlank = true;
  let index = 0;
  const flush = (): void => {
    if (code.trim() !== "") statements.push({ start, code: code.trim(), strings, indent });
    code = "";
    strings = [];
    isBlank = true;
  };
  while (index < text.length) {
    const character = text.charAt(index);
    if (isBlank && character !== " " && character !== "\t" && character !== "\n" && character !== "\r") {
      isBlank = false;
      start = index;
      indent = index - (text.lastIndexOf("\n", index - 1) + 1);
    }
    if (character === "#") {
      const end = text.indexOf("\n", index);
      index = end < 0 ? text.length : end;
    } else if (character === '"' || character === "'") {
      const prefix = /[rbuf]{0,2}$/iu.exec(code.slice(-2))?.[0] ?? "";
      const literal = readString(text, index);
      if (prefix !== "" && /(?:^|[^\w])[rbuf]{1,2}$/iu.test(code.slice(-3)))
        code = code.slice(0, code.length - prefix.length);
      strings.push(/r/iu.test(prefix) ? literal.raw : unescapePython(literal.raw));
      code += `\u0001${strings.length - 1}\u0002`;
      index = literal.end;
    } else if (character === "\\" && (text.charAt(index + 1) === "\n" || text.startsWith("\r\n", index + 1))) {
      index += text.charAt(index + 1) === "\n" ? 2 : 3;
      code += " ";
    } else if (character === "\n" || character === ";") {
      if (depth > 0 && character === "\n") code += " ";
      else if (depth === 0) flush();
      index += 1;
    } else {
      if (character === "(" || character === "[" || character === "{") depth += 1;
      else if (character === ")" || character === "]" || character === "}") depth = Math.max(0, depth - 1);
      code += character;
      index += 1;
      if (code.length > 200_000) flush();
    }
  }
  flush();
  return statements;
}

function readString(text: string, at: number): { readonly raw: string; readonly end: number } {
  const quote = text.charAt(at);
  const triple = quote.repeat(3);
  const mark = text.startsWith(triple, at) ? triple : quote;
  let index = at + mark.length;
  const from = index;
  while (index < text.length) {
    if (text.charAt(index) === "\\") index += 2;
    else if (text.startsWith(mark, index)) return { raw: text.slice(from, index), end: index + mark.length };
    else if (mark.length === 1 && text.charAt(index) === "\n") return { raw: text.slice(from, index), end: index };
    else index += 1;
  }
  return { raw: text.slice(from), end: text.length };
}

function unescapePython(raw: string): string {
  if (!raw.includes("\\")) return raw;
  return raw.replaceAll(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(\n)|(.))/giu,
    (
      _whole,
      hex: string | undefined,
      unicode: string | undefined,
      line: string | undefined,
      other: string | undefined,
    ) => {
      const code = hex ?? unicode;
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return line !== undefined ? "" : other === "n" ? "\n" : (other ?? "");
    },
  );
}
