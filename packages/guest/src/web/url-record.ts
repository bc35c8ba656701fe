/** URLs and how they are written (url.spec.whatwg.org, 4.1 and 4.5). */

/** A URL (4.1). A path that is text is opaque. */
export interface UrlRecord {
  scheme: string;
  username: string;
  password: string;
  host: string | null;
  port: number | null;
  path: string[] | string;
  query: string | null;
  fragment: string | null;
}

/** States of the parser (4.4). */
export type State =
  | "scheme start"
  | "scheme"
  | "no scheme"
  | "special relative or authority"
  | "path or authority"
  | "relative"
  | "relative slash"
  | "special authority slashes"
  | "special authority ignore slashes"
  | "authority"
  | "host"
  | "hostname"
  | "port"
  | "file"
  | "file slash"
  | "file host"
  | "path start"
  | "path"
  | "opaque path"
  | "query"
  | "fragment";

/** Special schemes and their ports (4.2). */
export const DEFAULT_PORTS: ReadonlyMap<string, number | null> = new Map([
  ["ftp", 21],
  ["file", null],
  ["http", 80],
  ["https", 443],
  ["ws", 80],
  ["wss", 443],
]);

export const isSpecial = ({ scheme }: UrlRecord): boolean => DEFAULT_PORTS.has(scheme);
export const hasCredentials = ({ username, password }: UrlRecord): boolean => username !== "" || password !== "";
export const cannotHaveCredentials = ({ host, scheme }: UrlRecord): boolean =>
  host === null || host === "" || scheme === "file";

/** Path serialiser (4.5). */
export const formatPath = ({ path }: UrlRecord): string =>
  typeof path === "string" ? path : path.map((segment) => `/${segment}`).join("");

/** URL serialiser (4.5). */
export function formatUrl(url: UrlRecord): string {
  const { scheme, username, password, host, port, path, query, fragment } = url;
  let text = `${scheme}:`;
  if (host !== null) {
    text += "//";
    if (hasCredentials(url)) text += `${username}${password === "" ? "" : `:${password}`}@`;
    text += host + (port === null ? "" : `:${port}`);
  } else if (typeof path !== "string" && path.length > 1 && path[0] === "") {
    text += "/.";
  }
  text += formatPath(url);
  if (query !== null) text += `?${query}`;
  return fragment === null ? text : `${text}#${fragment}`;
}
