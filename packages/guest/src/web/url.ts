import { EncodeSet, encodeText } from "./percent.ts";
import { setPart, tryParseUrl } from "./url-parser.ts";
import type { DecodeUtf8 } from "./url-parser.ts";
import { cannotHaveCredentials, formatPath, formatUrl, isSpecial } from "./url-record.ts";
import type { State, UrlRecord } from "./url-record.ts";
import { makeSearchParams } from "./url-search-params.ts";
import type { SearchParams } from "./url-search-params.ts";

/** What `invalid` throws: the words and the code that Node uses. */
function invalidUrl(input: string): TypeError {
  return Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: input.slice(0, 1_000) });
}

/**
 * The classes `URL` and `URLSearchParams` of the URL Standard (url.spec.whatwg.org, 5 and 6). `decode` reads
 * UTF-8, keeps byte-order marks and puts U+FFFD for what is none.
 */
export function makeUrlClasses(decode: DecodeUtf8): Record<"URL" | "URLSearchParams", unknown> {
  const { URLSearchParams, bind, refill } = makeSearchParams(decode);

  const tryParse = (input: unknown, base: unknown): UrlRecord | undefined => {
    const text = String(input);
    const parsedBase = base === undefined ? undefined : tryParseUrl(String(base), undefined, decode);
    if (base !== undefined && parsedBase === undefined) return undefined;
    return tryParseUrl(text, parsedBase, decode);
  };

  class URL {
    #url: UrlRecord;
    #params: SearchParams | undefined;

    constructor(input: unknown, base?: unknown) {
      if (arguments.length === 0) throw new TypeError("URL needs an address");
      const url = tryParse(input, base);
      if (url === undefined) throw invalidUrl(String(input));
      this.#url = url;
    }

    static parse(input: unknown, base?: unknown): URL | null {
      return tryParse(input, base) === undefined ? null : new URL(input, base);
    }

    static canParse(input: unknown, base?: unknown): boolean {
      return tryParse(input, base) !== undefined;
    }

    get href(): string {
      return formatUrl(this.#url);
    }

    set href(value: string) {
      const url = tryParseUrl(String(value), undefined, decode);
      if (url === undefined) throw invalidUrl(String(value));
      this.#url = url;
      this.#refillParams();
    }

    get origin(): string {
      return originOf(this.#url, decode);
    }

    get protocol(): string {
      return `${this.#url.scheme}:`;
    }

    set protocol(value: string) {
      this.#set(`${value}:`, "scheme start");
    }

    get username(): string {
      return this.#url.username;
    }

    set username(value: string) {
      const text = encodeText(String(value).toWellFormed(), EncodeSet.userinfo);
      if (!cannotHaveCredentials(this.#url)) this.#url.username = text;
    }

    get password(): string {
      return this.#url.password;
    }

    set password(value: string) {
      const text = encodeText(String(value).toWellFormed(), EncodeSet.userinfo);
      if (!cannotHaveCredentials(this.#url)) this.#url.password = text;
    }

    get host(): string {
      const { host, port } = this.#url;
      return `${host ?? ""}${port === null ? "" : `:${port}`}`;
    }

    set host(value: string) {
      if (!this.#isOpaque) this.#set(`${value}`, "host");
    }

    get hostname(): string {
      return this.#url.host ?? "";
    }

    set hostname(value: string) {
      if (!this.#isOpaque) this.#set(`${value}`, "hostname");
    }

    get port(): string {
      return String(this.#url.port ?? "");
    }

    set port(value: string) {
      const text = `${value}`;
      if (cannotHaveCredentials(this.#url)) return;
      if (text === "") this.#url.port = null;
      else this.#set(text, "port");
    }

    get pathname(): string {
      return formatPath(this.#url);
    }

    set pathname(value: string) {
      const text = `${value}`;
      if (this.#isOpaque) return;
      const emptied = { ...this.#url, path: [] };
      setPart(text, emptied, "path start", decode);
      this.#url = emptied;
    }

    get search(): string {
      const { query } = this.#url;
      return query === null || query === "" ? "" : `?${query}`;
    }

    set search(value: string) {
      const text = `${value}`;
      if (text === "") this.#url.query = null;
      else {
        this.#url.query = "";
        this.#set(text.startsWith("?") ? text.slice(1) : text, "query");
      }
      this.#refillParams();
    }

    get searchParams(): SearchParams {
      return (this.#params ??= bind(this.#url.query ?? "", (query) => {
        this.#url.query = query === "" ? null : query;
      }));
    }

    get hash(): string {
      const { fragment } = this.#url;
      return fragment === null || fragment === "" ? "" : `#${fragment}`;
    }

    set hash(value: string) {
      const text = `${value}`;
      if (text === "") this.#url.fragment = null;
      else {
        this.#url.fragment = "";
        this.#set(text.startsWith("#") ? text.slice(1) : text, "fragment");
      }
    }

    toString(): string {
      return this.href;
    }

    toJSON(): string {
      return this.href;
    }

    get [Symbol.toStringTag](): string {
      return "URL";
    }

    get #isOpaque(): boolean {
      return typeof this.#url.path === "string";
    }

    #set(text: string, state: State): void {
      setPart(text, this.#url, state, decode);
    }

    #refillParams(): void {
      if (this.#params !== undefined) refill(this.#params, this.#url.query ?? "");
    }
  }

  return { URL, URLSearchParams };
}

/** Origin (4.7), serialised. */
function originOf(url: UrlRecord, decode: DecodeUtf8): string {
  if (url.scheme === "blob") {
    const inner = tryParseUrl(formatPath(url), undefined, decode);
    return inner?.scheme === "http" || inner?.scheme === "https" ? originOf(inner, decode) : "null";
  }
  if (!isSpecial(url) || url.scheme === "file") return "null";
  return `${url.scheme}://${url.host}${url.port === null ? "" : `:${url.port}`}`;
}
