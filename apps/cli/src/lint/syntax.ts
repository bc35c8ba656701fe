/** A node of the parser's tree, of which only what is asked for is known. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

/** Visits every node below one, parents first. */
export function visit(node: Node, onNode: (node: Node) => void): void {
  const pending: Node[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    onNode(next);
    for (const value of Object.values(next)) {
      if (isNode(value)) pending.push(value);
      else if (Array.isArray(value)) pending.push(...value.filter(isNode));
    }
  }
}

export const nameOfIdentifier = (node: unknown): string | undefined =>
  isNode(node) && node.type === "Identifier" ? String(node["name"]) : undefined;

/** `a.b.c` as its names; `undefined` for anything else. An index that is no constant is `*`. */
export function chainOf(node: unknown): string[] | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "ChainExpression" || node.type === "TSNonNullExpression") return chainOf(node["expression"]);
  const name = nameOfIdentifier(node);
  if (name !== undefined) return [name];
  if (node.type !== "MemberExpression") return undefined;
  const object = chainOf(node["object"]);
  const property = node["property"];
  const member = node["computed"] === true ? constantOf(property, new Map())?.text : nameOfIdentifier(property);
  return object === undefined ? undefined : [...object, member ?? "*"];
}

/** A text that is known before the program runs. `isWhole`: false when only its beginning is. */
export interface Constant {
  readonly text: string;
  readonly isWhole: boolean;
}

export function constantOf(node: unknown, constants: ReadonlyMap<string, Constant>): Constant | undefined {
  if (!isNode(node)) return undefined;
  switch (node.type) {
    case "Literal":
      return typeof node["value"] === "string" ? { text: node["value"], isWhole: true } : undefined;
    case "Identifier":
      return constants.get(String(node["name"]));
    case "TemplateLiteral": {
      const [first, ...rest] = node["quasis"] as { value: { cooked: string } }[];
      return first === undefined ? undefined : { text: first.value.cooked, isWhole: rest.length === 0 };
    }
    case "BinaryExpression": {
      const left = node["operator"] === "+" ? constantOf(node["left"], constants) : undefined;
      const right = left?.isWhole === true ? constantOf(node["right"], constants) : undefined;
      if (left === undefined) return undefined;
      return { text: left.text + (right?.text ?? ""), isWhole: right?.isWhole === true };
    }
    default:
      return undefined;
  }
}

/** A member of an object that is written out; `undefined` when it is not there, or cannot be told. */
export function memberOf(node: unknown, name: string): unknown {
  if (!isNode(node) || node.type !== "ObjectExpression") return undefined;
  const properties = node["properties"] as readonly Node[];
  return properties.find((each) => each.type === "Property" && nameOfIdentifier(each["key"]) === name)?.["value"];
}
