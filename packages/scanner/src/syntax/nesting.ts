/** How deeply a text may make a parser recurse, bounded from above without parsing it. */
export interface Nesting {
  /** Brackets open at the same time. */
  readonly depth: number;
  /** Operators and nesting keywords that are pending at the same time. */
  readonly chain: number;
}

const levelKind = { code: 0, template: 1 } as const;

const prefixWords = new Set(
  "if for while with else do new typeof void delete await yield keyof readonly unique infer return throw case in of instanceof as satisfies extends is asserts async".split(
    " ",
  ),
);
const nestingWords = new Set(
  "if for while with do new typeof void delete await yield keyof readonly unique infer else instanceof in as satisfies extends".split(
    " ",
  ),
);
const statementWords = new Set(
  "const let var import export return throw switch try break continue class function".split(" "),
);

interface Level {
  kind: number;
  chain: number;
  /** Chain at the end of the last statement, restored when an `else` continues it. */
  last: number;
}

/**
 * Measures a text's possible nesting in one linear pass.
 *
 * The parser is native code and recursive: too deep an input ends the whole process, worker threads
 * included, so this bound is checked before every parse. Comments and strings are skipped; regular
 * expressions are not told apart from divisions, which can only raise the result.
 */
export function measureNesting(text: string): Nesting {
  const levels: Level[] = [{ kind: levelKind.code, chain: 0, last: 0 }];
  let depth = 0;
  let sum = 0;
  let chain = 0;
  let previous = "";
  let sawNewline = false;
  const end = text.length;
  let index = 0;
  const top = (): Level => levels[levels.length - 1] as Level;
  const reset = (level: Level): void => {
    level.last = level.chain;
    sum -= level.chain;
    level.chain = 0;
  };
  const push = (kind: number): void => {
    levels.push({ kind, chain: 0, last: 0 });
    if (levels.length > depth) depth = levels.length;
  };
  const pop = (): void => {
    if (levels.length === 1) return;
    sum -= top().chain;
    levels.pop();
  };
  const skipTemplate = (from: number): number => {
    let at = from;
    for (; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 92) at += 1;
      else if (code === 96) return at + 1;
      else if (code === 36 && text.charCodeAt(at + 1) === 123) {
        push(levelKind.template);
        return at + 2;
      }
    }
    return at;
  };
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code <= 32) {
      if (code === 10 || code === 13) sawNewline = true;
      index += 1;
      continue;
    }
    if (isWordCode(code)) {
      const start = index;
      do index += 1;
      while (index < end && isWordCode(text.charCodeAt(index)));
      const length = index - start;
      const word = length <= 10 ? text.slice(start, index) : "";
      const level = top();
      if (word === "else") {
        // `if (a) b; else …` goes on nesting after the semicolon.
        if (level.chain < level.last) {
          sum += level.last - level.chain;
          level.chain = level.last;
        }
      } else if (sawNewline && statementWords.has(word) && !prefixWords.has(previous)) reset(level);
      if (nestingWords.has(word)) {
        level.chain += 1;
        sum += 1;
        if (sum > chain) chain = sum;
      }
      previous = word === "" ? "word" : word;
      sawNewline = false;
      continue;
    }
    index += 1;
    sawNewline = false;
    switch (code) {
      case 34: // "
      case 39: {
        // A string ends at its quote or at the line's end.
        for (; index < end; index += 1) {
          const inner = text.charCodeAt(index);
          if (inner === 92) index += 1;
          else if (inner === code || inner === 10) break;
        }
        index += 1;
        break;
      }
      case 96: // `
        index = skipTemplate(index);
        break;
      case 47: // /
        if (text.charCodeAt(index) === 47) {
          while (index < end && text.charCodeAt(index) !== 10) index += 1;
        } else if (text.charCodeAt(index) === 42) {
          const close = text.indexOf("*/", index + 1);
          index = close < 0 ? end : close + 2;
        } else {
          top().chain += 0.2;
          sum += 0.2;
        }
        break;
      case 40:
      case 91:
      case 123:
        push(levelKind.code);
        break;
      case 41:
      case 93:
        pop();
        break;
      case 125: {
        const wasTemplate = top().kind === levelKind.template;
        pop();
        if (wasTemplate) index = skipTemplate(index);
        break;
      }
      case 44: // ,
      case 59: // ;
        reset(top());
        break;
      case 46: // .
        break;
      case 43:
      case 45:
      case 42:
      case 37:
        // Left-associative: the parser loops, and only printing the tree recurses.
        top().chain += 0.2;
        sum += 0.2;
        if (sum > chain) chain = sum;
        // A run of signs (`- - - a`) is prefix operators instead.
        if (previous === "sign") {
          top().chain += 1;
          sum += 1;
        }
        break;
      default:
        top().chain += 1;
        sum += 1;
        if (sum > chain) chain = sum;
    }
    previous = code === 43 || code === 45 ? "sign" : "";
  }
  return { depth, chain: Math.ceil(chain) };
}

function isWordCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 36 ||
    code > 127
  );
}
