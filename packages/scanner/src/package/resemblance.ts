import { editDistance } from "@berth/base";
import { type KnownName, wellKnownScopes } from "./known-names.ts";

/** Why one name passes for another. */
export interface Resemblance {
  readonly known: string;
  readonly how:
    | "looks the same"
    | "differs by one letter"
    | "differs by two letters"
    | "has the parts in another order"
    | "differs in separators alone"
    | "adds a harmless word";
  readonly isSure: boolean;
}

const lookalikes = new Map<string, string>(
  pairs("аa еe оo рp сc уy хx іi јj ѕs ԁd һh ոn νv αa οo ρp τt κk ιi ɡg ıi ӏl ｌl ⅼl 0o 1l |l $s @a 3e 5s"),
);

function pairs(text: string): [string, string][] {
  return text.split(" ").flatMap((pair): [string, string][] => {
    const [from, to] = Array.from(pair);
    return from === undefined || to === undefined ? [] : [[from, to]];
  });
}

/** What a name looks like: lower case, without accents, lookalikes replaced, `rn` read as `m`. */
export function skeleton(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return Array.from(plain, (letter) => lookalikes.get(letter) ?? letter)
    .join("")
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replaceAll("i", "l");
}

const AFFIX =
  /^(?:node-|js-|npm-|lib-?|the-|my-|real-|official-|original-|new-|get-|use-)|(?:-?js|\.js|-?node|-npm|-lib|-util|-utils|-core|-official|-original|-plus|-pro|-next|-latest|-fixed|-new|-sdk|-api|s|2|-v\d|-client|-dev)$/u;

/**
 * The known name that this one passes for, most trusted first; `undefined` for the known names
 * themselves and for names that only share an ordinary word.
 */
export function resemblance(name: string, known: readonly KnownName[]): Resemblance | undefined {
  if (name.length < 3 || name.length > 80 || known.some((one) => one.name === name)) return undefined;
  const bare = name.startsWith("@") ? name.slice(name.indexOf("/") + 1) : name;
  if (name.startsWith("@") && known.some((one) => one.name === bare)) return undefined;
  const scope = name.startsWith("@") ? name.slice(0, name.indexOf("/")) : "";
  if (scope !== "" && !wellKnownScopes.includes(scope)) {
    const meant = wellKnownScopes.find((one) => {
      const distance = editDistance(scope, one);
      return one.length >= 5 && (distance === 1 || (distance === 2 && isSwap(scope, one)));
    });
    if (meant !== undefined) return { known: `${meant}/${bare}`, how: "differs by one letter", isSure: true };
  }
  const looks = skeleton(bare);
  const parts = partsOf(bare);
  let weak: Resemblance | undefined;
  for (const one of known.toSorted((a, b) => b.weight - a.weight)) {
    if (skeleton(one.name) === looks && bare !== one.name)
      return { known: one.name, how: "looks the same", isSure: true };
    const ownParts = partsOf(one.name);
    if (parts.join("") === ownParts.join(""))
      return { known: one.name, how: "differs in separators alone", isSure: true };
    if (
      parts.length > 1 &&
      parts.length === ownParts.length &&
      parts.toSorted().join("-") === ownParts.toSorted().join("-")
    ) {
      return { known: one.name, how: "has the parts in another order", isSure: true };
    }
    if (Math.abs(one.name.length - bare.length) <= 2 && one.name.length >= 4) {
      const distance = editDistance(bare, one.name);
      if (distance === 1 && one.name.length >= 5)
        return { known: one.name, how: "differs by one letter", isSure: true };
      if (distance === 1 || (distance === 2 && one.name.length >= 8))
        weak ??= {
          known: one.name,
          how: distance === 1 ? "differs by one letter" : "differs by two letters",
          isSure: distance === 2 && one.name.length >= 9,
        };
    }
    if (one.weight >= 8 && one.name.length >= 4 && AFFIX.test(bare) && bare.replace(AFFIX, "") === one.name)
      weak ??= { known: one.name, how: "adds a harmless word", isSure: false };
  }
  return weak;
}

/** Whether two neighbouring letters changed places, which an edit distance counts twice. */
function isSwap(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  const at = Array.from(one).findIndex((letter, index) => letter !== other.charAt(index));
  return (
    at >= 0 &&
    one.charAt(at) === other.charAt(at + 1) &&
    one.charAt(at + 1) === other.charAt(at) &&
    one.slice(at + 2) === other.slice(at + 2)
  );
}

const partsOf = (name: string): string[] =>
  name
    .toLowerCase()
    .split(/[-_.]+/u)
    .filter((part) => part !== "");
