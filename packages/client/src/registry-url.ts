import { quote } from "@berth/base";

import { ClientError } from "./errors.ts";

const MAX_LENGTH = 1_000;

/** Names under which a machine speaks to itself only; nothing here is looked up. */
const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/**
 * Reads a registry's address and gives it in the one form that ends with a slash.
 *
 * @throws ClientError CLIENT_URL_INVALID, CLIENT_URL_INSECURE
 */
export function parseRegistryUrl(text: string, { allowHttp = false }: { readonly allowHttp?: boolean } = {}): URL {
  const url = text.length <= MAX_LENGTH ? URL.parse(text) : null;
  const isWeb = url !== null && (url.protocol === "https:" || url.protocol === "http:");
  if (!isWeb || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new ClientError(
      "CLIENT_URL_INVALID",
      `expected a registry's address like "https://registry.example/", found ${quote(text)}`,
    );
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new ClientError("CLIENT_URL_INSECURE", `${quote(url.href)} would be spoken to without encryption`);
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
