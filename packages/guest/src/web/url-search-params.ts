import { EncodeSet, decodePercent, encodeText } from "./percent.ts";
import type { DecodeUtf8 } from "./url-parser.ts";

type Pair = [name: string, value: string];

/** Parser of application/x-www-form-urlencoded (url.spec.whatwg.org, 5.1). */
function parseForm(text: string, decode: DecodeUtf8): Pair[] {
  const pairs: Pair[] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    const read = (raw: string): string => decodePercent(raw.replaceAll("+", " "), decode);
    pairs.push([read(name), read(value)]);
  }
  return pairs;
}

/** Serialiser of the same (5.2). */
function formatForm(pairs: readonly Pair[]): string {
  const write = (text: string): string => encodeText(text, EncodeSet.form).replaceAll("%20", "+");
  return pairs.map(([name, value]) => `${write(name)}=${write(value)}`).join("&");
}

const usv = (value: unknown): string => String(value).toWellFormed();

function readPairs(init: unknown, decode: DecodeUtf8): Pair[] {
  if (init === undefined) return [];
  if ((typeof init !== "object" && typeof init !== "function") || init === null) {
    const text = usv(init);
    return parseForm(text.startsWith("?") ? text.slice(1) : text, decode);
  }
  const iterate = (init as Partial<Iterable<unknown>>)[Symbol.iterator];
  if (iterate === undefined || iterate === null) {
    return Object.entries(init).map(([name, value]): Pair => [usv(name), usv(value)]);
  }
  return Array.from(init as Iterable<Iterable<unknown>>, (entry): Pair => {
    if (typeof entry !== "object" || entry === null) throw new TypeError("Each query pair must be an iterable");
    const pair = Array.from(entry, usv);
    if (pair.length !== 2) throw new TypeError("Each query pair must have a name and a value");
    return pair as Pair;
  });
}

export interface SearchParams {
  append(name: string, value: string): void;
  toString(): string;
}

/** Both classes need a decoder of the library's own, and each other: they are made together. */
export interface SearchParamsKit {
  readonly URLSearchParams: new (init?: unknown) => SearchParams;
  /** Parameters that belong to a URL: `write` is told whenever they change. */
  bind(query: string, write: (query: string) => void): SearchParams;
  /** The URL's query was replaced. */
  refill(params: SearchParams, query: string): void;
}

export function makeSearchParams(decode: DecodeUtf8): SearchParamsKit {
  let bind: SearchParamsKit["bind"];
  let refill: SearchParamsKit["refill"];

  class URLSearchParams {
    #pairs: Pair[];
    #write: ((query: string) => void) | undefined;

    constructor(init?: unknown) {
      this.#pairs = readPairs(init, decode);
    }

    static {
      bind = (query, write) => {
        const params = new URLSearchParams();
        params.#pairs = parseForm(query, decode);
        params.#write = write;
        return params;
      };
      refill = (params, query) => {
        (params as URLSearchParams).#pairs = parseForm(query, decode);
      };
    }

    get size(): number {
      return this.#pairs.length;
    }

    append(name: string, value: string): void {
      this.#pairs.push([usv(name), usv(value)]);
      this.#changed();
    }

    delete(name: string, value?: string): void {
      const isOther = matcher(name, value);
      this.#pairs = this.#pairs.filter((pair) => isOther(pair));
      this.#changed();
    }

    get(name: string): string | null {
      const wanted = usv(name);
      return this.#pairs.find(([each]) => each === wanted)?.[1] ?? null;
    }

    getAll(name: string): string[] {
      const wanted = usv(name);
      return this.#pairs.filter(([each]) => each === wanted).map(([, value]) => value);
    }

    has(name: string, value?: string): boolean {
      const isOther = matcher(name, value);
      return !this.#pairs.every(isOther);
    }

    set(name: string, value: string): void {
      const wanted = usv(name);
      const given = usv(value);
      let isSet = false;
      this.#pairs = this.#pairs.filter((pair) => {
        if (pair[0] !== wanted) return true;
        if (isSet) return false;
        pair[1] = given;
        return (isSet = true);
      });
      if (!isSet) this.#pairs.push([wanted, given]);
      this.#changed();
    }

    sort(): void {
      this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed();
    }

    forEach(callback: (value: string, name: string, params: this) => void, self?: unknown): void {
      if (typeof callback !== "function") throw new TypeError("forEach needs a function");
      for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this]);
    }

    /** Live: pairs that are added meanwhile are seen. */
    *entries(): IterableIterator<Pair> {
      for (let index = 0; index < this.#pairs.length; index += 1) {
        const [name, value] = this.#pairs[index] as Pair;
        yield [name, value];
      }
    }

    *keys(): IterableIterator<string> {
      for (const [name] of this.entries()) yield name;
    }

    *values(): IterableIterator<string> {
      for (const [, value] of this.entries()) yield value;
    }

    [Symbol.iterator](): IterableIterator<Pair> {
      return this.entries();
    }

    toString(): string {
      return formatForm(this.#pairs);
    }

    get [Symbol.toStringTag](): string {
      return "URLSearchParams";
    }

    #changed(): void {
      this.#write?.(formatForm(this.#pairs));
    }
  }

  return {
    URLSearchParams,
    bind: (query, write) => bind(query, write),
    refill: (params, query) => refill(params, query),
  };
}

/** Whether a pair is another than the one that was named; a value of `undefined` was not given. */
function matcher(name: string, value: string | undefined): (pair: Pair) => boolean {
  const wanted = usv(name);
  const given = value === undefined ? undefined : usv(value);
  return ([each, held]) => each !== wanted || (given !== undefined && held !== given);
}
