/** One member of a JSON object, with its place. */
export interface DuplicateMember {
  readonly name: string;
  readonly offset: number;
}

/** Members that occur twice in one object of a JSON text: readers disagree on which one counts. */
export function duplicateMembers(text: string): DuplicateMember[] {
  const found: DuplicateMember[] = [];
  const stack: (Set<string> | undefined)[] = [];
  let index = 0;
  let expectsName = false;
  while (index < text.length && found.length < 20) {
    const character = text.charAt(index);
    if (character === '"') {
      const start = index;
      index += 1;
      while (index < text.length && text.charAt(index) !== '"') index += text.charAt(index) === "\\" ? 2 : 1;
      index += 1;
      const names = stack.at(-1);
      if (expectsName && names !== undefined) {
        const name = text.slice(start + 1, index - 1);
        if (names.has(name)) found.push({ name, offset: start });
        names.add(name);
        expectsName = false;
      }
      continue;
    }
    if (character === "{") {
      stack.push(new Set());
      expectsName = true;
    } else if (character === "[") {
      stack.push(undefined);
      expectsName = false;
    } else if (character === "}" || character === "]") {
      stack.pop();
      expectsName = false;
    } else if (character === ",") expectsName = stack.at(-1) !== undefined;
    if (stack.length > 200) return found;
    index += 1;
  }
  return found;
}
