/** The basic URL parser (url.spec.whatwg.org, 4.4); state names and their order are the standard's. */
import { EncodeSet, encodeCharacter, encodeText } from "./percent.ts";
import { parseHost } from "./url-host.ts";
import { DEFAULT_PORTS, hasCredentials, isSpecial } from "./url-record.ts";
import type { State, UrlRecord } from "./url-record.ts";

export type DecodeUtf8 = (bytes: Uint8Array) => string;

const EMPTY: UrlRecord = {
  scheme: "",
  username: "",
  password: "",
  host: null,
  port: null,
  path: [],
  query: null,
  fragment: null,
};

const isDriveLetter = (text: string): boolean => /^[A-Za-z][:|]$/u.test(text);
const isNormalDriveLetter = (text: string | undefined): boolean => text !== undefined && /^[A-Za-z]:$/u.test(text);
const isSingleDot = (segment: string): boolean => /^(?:\.|%2e)$/iu.test(segment);
const isDoubleDot = (segment: string): boolean => /^(?:\.|%2e){2}$/iu.test(segment);

/** The path of a hierarchical URL. */
const copyPath = ({ path }: UrlRecord): string[] => (typeof path === "string" ? [] : path.slice());

/** Shorten a URL's path (4.1): the drive letter of a file stays. */
function shorten({ scheme, path }: UrlRecord): void {
  if (typeof path === "string") return;
  if (scheme === "file" && path.length === 1 && isNormalDriveLetter(path[0])) return;
  path.pop();
}

/** Parses text against a base; `undefined` when it is no URL. */
export function tryParseUrl(input: string, base: UrlRecord | undefined, decode: DecodeUtf8): UrlRecord | undefined {
  // oxlint-disable-next-line no-control-regex -- 4.4, steps 1.3 and 3
  const text = input.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/gu, "");
  const url = { ...EMPTY, path: [] };
  return runParser(text, url, base, undefined, decode) ? url : undefined;
}

/** Runs the parser on a URL that exists, from a state on, as setters do: what it read before it failed stays. */
export function setPart(input: string, url: UrlRecord, state: State, decode: DecodeUtf8): void {
  runParser(input.toWellFormed(), url, undefined, state, decode);
}

const EOF = "";

/** False on failure; the record is then half changed. */
function runParser(
  text: string,
  url: UrlRecord,
  base: UrlRecord | undefined,
  override: State | undefined,
  decode: DecodeUtf8,
): boolean {
  const input = Array.from(text.replace(/[\t\n\r]/gu, ""));
  let state: State = override ?? "scheme start";
  let buffer = "";
  let sawAt = false;
  let insideBrackets = false;
  let sawPasswordToken = false;
  const pathOf = (): string[] => url.path as string[];

  for (let pointer = 0; pointer <= input.length; pointer += 1) {
    const c = input[pointer] ?? EOF;
    const isEnd = pointer === input.length;
    const isSlash = c === "/" || (c === "\\" && isSpecial(url));
    const startsWith = (a: string, b?: string): boolean =>
      input[pointer + 1] === a && (b === undefined || input[pointer + 2] === b);
    switch (state) {
      case "scheme start":
        if (/^[A-Za-z]$/u.test(c)) {
          buffer += c.toLowerCase();
          state = "scheme";
        } else if (override === undefined) {
          state = "no scheme";
          pointer -= 1;
        } else return false;
        break;

      case "scheme":
        if (/^[A-Za-z0-9+.-]$/u.test(c)) buffer += c.toLowerCase();
        else if (c === ":") {
          if (override !== undefined) {
            if (isSpecial(url) !== DEFAULT_PORTS.has(buffer)) return true;
            if ((hasCredentials(url) || url.port !== null) && buffer === "file") return true;
            if (url.scheme === "file" && (url.host === null || url.host === "")) return true;
            url.scheme = buffer;
            if (url.port === DEFAULT_PORTS.get(buffer)) url.port = null;
            return true;
          }
          url.scheme = buffer;
          buffer = "";
          if (url.scheme === "file") state = "file";
          else if (isSpecial(url) && base?.scheme === url.scheme) state = "special relative or authority";
          else if (isSpecial(url)) state = "special authority slashes";
          else if (startsWith("/")) {
            state = "path or authority";
            pointer += 1;
          } else {
            url.path = "";
            state = "opaque path";
          }
        } else if (override === undefined) {
          buffer = "";
          state = "no scheme";
          pointer = -1;
        } else return false;
        break;

      case "no scheme":
        if (base === undefined || (typeof base.path === "string" && c !== "#")) return false;
        if (typeof base.path === "string") {
          Object.assign(url, base, { fragment: "" });
          state = "fragment";
        } else {
          state = base.scheme === "file" ? "file" : "relative";
          pointer -= 1;
        }
        break;

      case "special relative or authority":
        if (c === "/" && startsWith("/")) {
          state = "special authority ignore slashes";
          pointer += 1;
        } else {
          state = "relative";
          pointer -= 1;
        }
        break;

      case "path or authority":
        if (c === "/") state = "authority";
        else {
          state = "path";
          pointer -= 1;
        }
        break;

      case "relative": {
        if (base === undefined) return false;
        url.scheme = base.scheme;
        if (c === "/" || (c === "\\" && isSpecial(url))) state = "relative slash";
        else {
          Object.assign(url, base, { path: copyPath(base), fragment: null });
          if (c === "?") {
            url.query = "";
            state = "query";
          } else if (c === "#") {
            url.fragment = "";
            state = "fragment";
          } else if (!isEnd) {
            url.query = null;
            shorten(url);
            state = "path";
            pointer -= 1;
          }
        }
        break;
      }

      case "relative slash":
        if (isSpecial(url) && (c === "/" || c === "\\")) state = "special authority ignore slashes";
        else if (c === "/") state = "authority";
        else {
          const { username, password, host, port } = base ?? EMPTY;
          Object.assign(url, { username, password, host, port });
          state = "path";
          pointer -= 1;
        }
        break;

      case "special authority slashes":
        state = "special authority ignore slashes";
        if (c === "/" && startsWith("/")) pointer += 1;
        else pointer -= 1;
        break;

      case "special authority ignore slashes":
        if (c !== "/" && c !== "\\") {
          state = "authority";
          pointer -= 1;
        }
        break;

      case "authority":
        if (c === "@") {
          if (sawAt) buffer = `%40${buffer}`;
          sawAt = true;
          for (const character of buffer) {
            if (character === ":" && !sawPasswordToken) sawPasswordToken = true;
            else if (sawPasswordToken) url.password += encodeCharacter(character, EncodeSet.userinfo);
            else url.username += encodeCharacter(character, EncodeSet.userinfo);
          }
          buffer = "";
        } else if (isEnd || isSlash || c === "?" || c === "#") {
          if (sawAt && buffer === "") return false;
          pointer -= Array.from(buffer).length + 1;
          buffer = "";
          state = "host";
        } else buffer += c;
        break;

      case "host":
      case "hostname":
        if (override !== undefined && url.scheme === "file") {
          pointer -= 1;
          state = "file host";
        } else if (c === ":" && !insideBrackets) {
          if (buffer === "" || override === "hostname") return false;
          const host = parseHost(buffer, isSpecial(url), decode);
          if (host === undefined) return false;
          url.host = host;
          buffer = "";
          state = "port";
        } else if (isEnd || isSlash || c === "?" || c === "#") {
          pointer -= 1;
          if (isSpecial(url) && buffer === "") return false;
          if (override !== undefined && buffer === "" && (hasCredentials(url) || url.port !== null)) return false;
          const host = buffer === "" ? "" : parseHost(buffer, isSpecial(url), decode);
          if (host === undefined) return false;
          url.host = host;
          buffer = "";
          state = "path start";
          if (override !== undefined) return true;
        } else {
          if (c === "[") insideBrackets = true;
          if (c === "]") insideBrackets = false;
          buffer += c;
        }
        break;

      case "port":
        if (/^\d$/u.test(c)) buffer += c;
        else if (isEnd || isSlash || c === "?" || c === "#" || override !== undefined) {
          if (buffer !== "") {
            const port = Number(buffer);
            if (port > 65_535) return false;
            url.port = DEFAULT_PORTS.get(url.scheme) === port ? null : port;
            buffer = "";
            if (override !== undefined) return true;
          }
          if (override !== undefined) return false;
          state = "path start";
          pointer -= 1;
        } else return false;
        break;

      case "file":
        url.scheme = "file";
        url.host = "";
        if (c === "/" || c === "\\") state = "file slash";
        else if (base?.scheme === "file") {
          url.host = base.host;
          url.path = copyPath(base);
          url.query = base.query;
          if (c === "?") {
            url.query = "";
            state = "query";
          } else if (c === "#") {
            url.fragment = "";
            state = "fragment";
          } else if (!isEnd) {
            url.query = null;
            if (startsWithDriveLetter(input, pointer)) url.path = [];
            else shorten(url);
            state = "path";
            pointer -= 1;
          }
        } else {
          state = "path";
          pointer -= 1;
        }
        break;

      case "file slash":
        if (c === "/" || c === "\\") state = "file host";
        else {
          if (base?.scheme === "file") {
            url.host = base.host;
            const [first] = base.path;
            if (!startsWithDriveLetter(input, pointer) && isNormalDriveLetter(first)) pathOf().push(first as string);
          }
          state = "path";
          pointer -= 1;
        }
        break;

      case "file host":
        if (isEnd || c === "/" || c === "\\" || c === "?" || c === "#") {
          pointer -= 1;
          if (override === undefined && isDriveLetter(buffer)) state = "path";
          else if (buffer === "") {
            url.host = "";
            if (override !== undefined) return true;
            state = "path start";
          } else {
            const host = parseHost(buffer, isSpecial(url), decode);
            if (host === undefined) return false;
            url.host = host === "localhost" ? "" : host;
            if (override !== undefined) return true;
            buffer = "";
            state = "path start";
          }
        } else buffer += c;
        break;

      case "path start":
        if (isSpecial(url)) {
          state = "path";
          if (c !== "/" && c !== "\\") pointer -= 1;
        } else if (override === undefined && c === "?") {
          url.query = "";
          state = "query";
        } else if (override === undefined && c === "#") {
          url.fragment = "";
          state = "fragment";
        } else if (!isEnd) {
          state = "path";
          if (c !== "/") pointer -= 1;
        } else if (override !== undefined && url.host === null) pathOf().push("");
        break;

      case "path":
        if (isEnd || isSlash || (override === undefined && (c === "?" || c === "#"))) {
          if (isDoubleDot(buffer)) {
            shorten(url);
            if (!isSlash) pathOf().push("");
          } else if (isSingleDot(buffer)) {
            if (!isSlash) pathOf().push("");
          } else {
            if (url.scheme === "file" && pathOf().length === 0 && isDriveLetter(buffer)) buffer = `${buffer[0]}:`;
            pathOf().push(buffer);
          }
          buffer = "";
          if (c === "?") {
            url.query = "";
            state = "query";
          }
          if (c === "#") {
            url.fragment = "";
            state = "fragment";
          }
        } else buffer += encodeCharacter(c, EncodeSet.path);
        break;

      case "opaque path":
        if (c === "?") {
          url.query = "";
          state = "query";
        } else if (c === "#") {
          url.fragment = "";
          state = "fragment";
        } else if (c === " ") url.path = `${url.path}${startsWith("?") || startsWith("#") ? "%20" : " "}`;
        else if (!isEnd) url.path = `${url.path}${encodeCharacter(c, EncodeSet.control)}`;
        break;

      case "query":
        if (isEnd || (override === undefined && c === "#")) {
          url.query += encodeText(buffer, isSpecial(url) ? EncodeSet.specialQuery : EncodeSet.query);
          buffer = "";
          if (c === "#") {
            url.fragment = "";
            state = "fragment";
          }
        } else buffer += c;
        break;

      case "fragment":
        if (!isEnd) url.fragment += encodeCharacter(c, EncodeSet.fragment);
        break;
    }
  }
  return true;
}

/** Starts with a Windows drive letter (4.1). */
function startsWithDriveLetter(input: readonly string[], at: number): boolean {
  if (!isDriveLetter(`${input[at]}${input[at + 1]}`)) return false;
  const next = input[at + 2];
  return next === undefined || "/\\?#".includes(next);
}
