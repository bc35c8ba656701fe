import { decodeUtf8, utf8 } from "@berth/base";
import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Node } from "jsonc-parser";

import { SpecError } from "./errors.ts";
import { parseManifest } from "./parse-manifest.ts";
import { permissionSchema } from "./permission.ts";
import type { PermissionRequest } from "./permission.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * A request as its author writes it: without what parsing fills in by itself. `permissionSchema` reads it as the
 * same request again.
 */
export function withoutDefaults(request: PermissionRequest): Members {
  const means = (members: Members): boolean => {
    const { success, data } = permissionSchema.safeParse(members);
    return success && isSame(data, request);
  };
  return thinned(request, means);
}

/** Without the members, here and within services, that can be left out while the whole still means the same. */
function thinned(members: Members, means: (members: Members) => boolean): Members {
  let kept = members;
  for (const [key, value] of Object.entries(members)) {
    const { [key]: _left, ...without } = kept;
    if (means(without)) kept = without;
    else if (isMembers(value)) kept = { ...kept, [key]: thinned(value, (inner) => means({ ...kept, [key]: inner })) };
  }
  return kept;
}

/**
 * The bytes of a manifest with other permissions. What differs is written in the file's own manner, without
 * parameters that have their default; everything else stays as it is written, byte for byte.
 *
 * @param bytes a manifest that `parseManifest` accepts
 * @param wanted for each permission of the manifest, in its order: what stands there instead; `undefined` takes it out
 * @throws SpecError as `parseManifest`, also when the edited manifest is refused; SPEC_MANIFEST_EDIT_FAILED when it
 *   would not say exactly what is wanted
 */
export function editPermissions(bytes: Uint8Array, wanted: readonly (PermissionRequest | undefined)[]): Uint8Array {
  const { permissions } = parseManifest(bytes);
  if (wanted.length !== permissions.length)
    throw new SpecError(
      "SPEC_MANIFEST_EDIT_FAILED",
      `expected an answer for each of ${permissions.length} permissions, found ${wanted.length}`,
    );
  if (isSame(wanted, permissions)) return bytes;
  const text = decodeUtf8(bytes);
  const tree = parseTree(text);
  const list = tree && findNodeAtLocation(tree, ["permissions"]);
  if (list === undefined) throw new SpecError("SPEC_MANIFEST_EDIT_FAILED", "the manifest has no permissions");
  const editor = new TextEditor(text);
  const items = permissions.flatMap((had, index) => {
    const node = list.children?.[index];
    const request = wanted[index];
    if (node === undefined || request === undefined) return [];
    return [{ node, text: editor.object(node, had, request, withoutDefaults(request)) }];
  });
  const edited = utf8(`${text.slice(0, list.offset)}${editor.rebuilt(list, items)}${text.slice(endOf(list))}`);
  verifyEdit(bytes, edited, wanted);
  return edited;
}

/** Whether what was asked for is what will be read, and nothing else changed. */
function verifyEdit(before: Uint8Array, after: Uint8Array, wanted: readonly (PermissionRequest | undefined)[]): void {
  const { permissions } = parseManifest(after);
  const rest = (bytes: Uint8Array): unknown => ({ ...(JSON.parse(decodeUtf8(bytes)) as Members), permissions: [] });
  const isRight =
    isSame(
      permissions,
      wanted.filter((each) => each !== undefined),
    ) && isSame(rest(before), rest(after));
  if (!isRight) throw new SpecError("SPEC_MANIFEST_EDIT_FAILED", "the edited manifest would not say what is wanted");
}

const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSame = (a: unknown, b: unknown): boolean => keyOf(a) === keyOf(b);

/** Equal values have equal text, in whatever order their members stand; members that are undefined do not count. */
const keyOf = (value: unknown): string =>
  JSON.stringify(value, (_name, each: unknown) =>
    isMembers(each) ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1))) : each,
  ) ?? "";

const endOf = ({ offset, length }: Node): number => offset + length;

const BREAK = /\r?\n[ \t]*$/;

/** Longest line that a list is written on. */
const MAX_LINE = 120;

/** An item of a list, or a member of an object: `node` is where it stood, if it did. */
interface Item {
  readonly node: Node | undefined;
  readonly text: string;
}

/** A value as it was and shall be, parsed, and as it shall be written. */
interface Change {
  readonly had: unknown;
  readonly wanted: unknown;
  readonly written: unknown;
}

/** Where the value of a member begins that has a line of its own. */
interface Place {
  readonly column: number;
  /** Line break and indentation of the member. */
  readonly own: string;
  /** Those of what is within it. */
  readonly inner: string;
}

/** Writes parts of a JSON text anew, in the manner of what stands around them. */
class TextEditor {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Members that stay keep their text and place; new ones come after those that precede them in `wanted`. */
  object(node: Node, had: Members, wanted: Members, written: Members): string {
    const names = Object.keys(wanted);
    const items: (Item & { readonly name: string })[] = [];
    for (const property of node.children ?? []) {
      const [nameNode, valueNode] = property.children ?? [];
      const name = String(nameNode?.value);
      if (valueNode === undefined) continue;
      if (isSame(had[name], wanted[name])) items.push({ name, node: property, text: this.#textOf(property) });
      else if (written[name] !== undefined) {
        const before = this.#text.slice(property.offset, valueNode.offset);
        const change = { had: had[name], wanted: wanted[name], written: written[name] };
        const value = this.#value(valueNode, change, this.#placeOf(node, property, before));
        items.push({ name, node: property, text: `${before}${value}` });
      }
    }
    const [model] = node.children ?? [];
    for (const name of names) {
      // Also a value that it had by default: another permission has other defaults.
      if (written[name] === undefined || items.some((item) => item.name === name)) continue;
      const before = `${JSON.stringify(name)}${this.#isTight(node) ? ":" : ": "}`;
      const change = { had: undefined, wanted: wanted[name], written: written[name] };
      const value = this.#value(undefined, change, model && this.#placeOf(node, model, before));
      const preceding = names.slice(0, names.indexOf(name));
      const at = items.findLastIndex((item) => preceding.includes(item.name)) + 1;
      items.splice(at, 0, { name, node: undefined, text: `${before}${value}` });
    }
    return this.rebuilt(node, items);
  }

  /** A list or object with these items, between which stands what stood there. */
  rebuilt(container: Node, items: readonly Item[]): string {
    const children = container.children ?? [];
    const whole = this.#textOf(container);
    const [first] = children;
    const last = children.at(-1);
    if (items.length === 0 || first === undefined || last === undefined) {
      const between = this.#isTight(container) ? "," : ", ";
      return `${whole[0]}${items.map(({ text }) => text).join(between)}${whole.at(-1)}`;
    }
    const open = this.#text.slice(container.offset, first.offset);
    const close = this.#text.slice(endOf(last), endOf(container));
    const body = items.map(({ node, text }, index) =>
      index === 0 ? text : `${this.#separator(container, node)}${text}`,
    );
    return `${open}${body.join("")}${close}`;
  }

  /** What stands before an item of a container, which is not its first any more, or was none so far. */
  #separator(container: Node, item: Node | undefined): string {
    const children = container.children ?? [];
    const [first, second] = children;
    const index = item === undefined ? -1 : children.indexOf(item);
    const previous = children[index - 1];
    if (item !== undefined && previous !== undefined) return this.#text.slice(endOf(previous), item.offset);
    if (first !== undefined && second !== undefined) return this.#text.slice(endOf(first), second.offset);
    const space = first === undefined ? "" : this.#text.slice(container.offset + 1, first.offset);
    return space === "" && !this.#isTight(container) ? ", " : `,${space}`;
  }

  #value(node: Node | undefined, { had, wanted, written }: Change, place: Place | undefined): string {
    if (node?.type === "object" && isMembers(had) && isMembers(wanted) && isMembers(written))
      return this.object(node, had, wanted, written);
    const isTight = node !== undefined && this.#isTight(node);
    if (!Array.isArray(written)) return this.#inline(written, isTight);
    const list = node?.type === "array" ? node : undefined;
    const stood = new Map((list?.children ?? []).map((child) => [keyOf(JSON.parse(this.#textOf(child))), child]));
    const items = written.map((item): Item => {
      const child = stood.get(keyOf(item));
      return { node: child, text: child === undefined ? this.#inline(item, isTight) : this.#textOf(child) };
    });
    const text = list === undefined ? this.#inline(written, isTight) : this.rebuilt(list, items);
    const fits = place === undefined || place.column + text.length <= MAX_LINE;
    if (fits || items.length < 2 || text.includes("\n")) return text;
    return `[${place.inner}${items.map((item) => item.text).join(`,${place.inner}`)}${place.own}]`;
  }

  /** Nothing where members share a line. */
  #placeOf(object: Node, property: Node, before: string): Place | undefined {
    const own = BREAK.exec(this.#text.slice(object.offset, property.offset))?.[0];
    const outer = BREAK.exec(this.#text.slice(object.offset, endOf(object) - 1))?.[0];
    if (own === undefined || outer === undefined || !own.startsWith(outer)) return undefined;
    return { column: own.replace(/^\r?\n/, "").length + before.length, own, inner: own + own.slice(outer.length) };
  }

  #inline(value: unknown, isTight: boolean): string {
    const [colon, comma, edge] = isTight ? [":", ",", ""] : [": ", ", ", " "];
    if (Array.isArray(value)) return `[${value.map((item) => this.#inline(item, isTight)).join(comma)}]`;
    if (!isMembers(value)) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([name, member]) => `${JSON.stringify(name)}${colon}${this.#inline(member, isTight)}`,
    );
    return members.length === 0 ? "{}" : `{${edge}${members.join(comma)}${edge}}`;
  }

  /** Whether the text leaves no space after the colon of the member that this is in, or of its first one. */
  #isTight(node: Node): boolean {
    let property: Node | undefined = node.type === "object" ? node.children?.[0] : node;
    while (property !== undefined && property.type !== "property") property = property.parent;
    const [name, value] = property?.children ?? [];
    return (
      name !== undefined && value !== undefined && this.#text.slice(endOf(name), value.offset).replace(":", "") === ""
    );
  }

  #textOf({ offset, length }: Node): string {
    return this.#text.slice(offset, offset + length);
  }
}
