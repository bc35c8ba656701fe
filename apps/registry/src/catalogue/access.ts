import { HttpError, hashToken, isTokenShaped, makeToken } from "@berth/http";
import { publisherOf } from "@berth/spec";
import type { Token, TokenScope } from "@berth/spec";
import type { Selectable } from "kysely";

import type { Database } from "../database/open-database.ts";
import type { Tables } from "../database/tables.ts";
import { RegistryError } from "../errors.ts";

/** How every token of a registry begins, so that people and secret scanners recognise one. */
export const TOKEN_PREFIX = "berth_registry_";

const DAY_MS = 86_400_000;

const tokenOf = (row: Selectable<Tables["tokens"]>): Token => ({
  id: row.id,
  ...(row.publisher !== null && { publisher: row.publisher }),
  scopes: JSON.parse(row.scopes) as TokenScope[],
  ...(row.plugins !== null && { plugins: JSON.parse(row.plugins) as string[] }),
  label: row.label,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

/** Who sent a request. @throws HttpError HTTP_TOKEN_INVALID */
export async function readToken(db: Database, secret: string, now: Date): Promise<Token> {
  const refuse = (why: string): HttpError => new HttpError("HTTP_TOKEN_INVALID", `the token ${why}`);
  if (!isTokenShaped(secret, TOKEN_PREFIX)) throw refuse("is not one that this registry makes");
  const row = await db.selectFrom("tokens").selectAll().where("hash", "=", hashToken(secret)).executeTakeFirst();
  if (row === undefined) throw refuse("is not known here; it may have been revoked");
  if (row.expires_at <= now.toISOString()) throw refuse(`expired at ${row.expires_at}`);
  return tokenOf(row);
}

/** @throws HttpError HTTP_TOKEN_SCOPE unless the token may do this for this plugin or publisher */
export function verifyScope(
  token: Token,
  scope: TokenScope,
  { publisher, plugin }: { publisher: string; plugin?: string },
): void {
  const refuse = (why: string): HttpError =>
    new HttpError("HTTP_TOKEN_SCOPE", `the token ${why}`, { details: { scope, publisher } });
  // The operator manages everything, but cannot publish for anybody: that takes the publisher's own token.
  if (scope === "manage" && token.scopes.includes("operate")) return;
  if (!token.scopes.includes(scope)) throw refuse(`lacks the scope "${scope}"`);
  if (scope === "operate") return;
  if (token.publisher !== publisher) throw refuse(`belongs to another publisher than ${publisher}`);
  if (token.plugins === undefined) return;
  if (plugin === undefined) throw refuse(`works for ${token.plugins.join(", ")} only, not for all of ${publisher}`);
  if (!token.plugins.includes(plugin)) throw refuse(`works for ${token.plugins.join(", ")} only, not for ${plugin}`);
}

export interface TokenRequest {
  readonly publisher?: string | undefined;
  readonly scopes: readonly TokenScope[];
  readonly plugins?: readonly string[] | undefined;
  readonly expiresInDays: number;
  readonly label: string;
}

/**
 * Checks that nobody makes a token that may do more than their own.
 *
 * @throws HttpError HTTP_TOKEN_SCOPE, HTTP_REQUEST_INVALID
 */
export function verifyTokenRequest(maker: Token, request: TokenRequest): void {
  const refuse = (why: string): HttpError => new HttpError("HTTP_TOKEN_SCOPE", why);
  const isOperator = maker.scopes.includes("operate");
  const { publisher, plugins } = request;
  if (request.scopes.includes("operate") && !isOperator) throw refuse("only an operator makes tokens for operators");
  if (publisher === undefined && request.scopes.some((scope) => scope !== "operate"))
    throw new HttpError("HTTP_REQUEST_INVALID", 'a token with the scope "publish" or "manage" needs a publisher');
  if (plugins?.some((plugin) => publisherOf(plugin) !== publisher) === true)
    throw new HttpError("HTTP_REQUEST_INVALID", `a token for ${publisher} works for plugins of ${publisher} only`);
  if (isOperator || publisher === undefined) return;
  if (!maker.scopes.includes("manage")) throw refuse('only a token with the scope "manage" makes others');
  if (maker.publisher !== publisher) throw refuse(`the token belongs to another publisher than ${publisher}`);
  const within = maker.plugins;
  if (within !== undefined && (plugins === undefined || plugins.some((plugin) => !within.includes(plugin))))
    throw refuse(`the token works for ${within.join(", ")} only and cannot make one that may do more`);
  // No scope by detour: what a token may not do itself, it cannot let another do.
  const beyond = request.scopes.find((scope) => !maker.scopes.includes(scope));
  if (beyond !== undefined) throw refuse(`the token lacks the scope "${beyond}" and cannot make one that has it`);
}

/** Makes a token; the secret is in the answer and nowhere else. */
export async function createToken(
  db: Database,
  request: TokenRequest,
  now: Date,
): Promise<Token & { readonly token: string }> {
  const { publisher, scopes, plugins, expiresInDays, label } = request;
  const { token, id, hash } = makeToken(TOKEN_PREFIX);
  const row = {
    id,
    hash,
    publisher: publisher ?? null,
    scopes: JSON.stringify([...new Set(scopes)]),
    plugins: plugins === undefined ? null : JSON.stringify(plugins),
    label,
    created_at: now.toISOString(),
    expires_at: new Date(now.getTime() + expiresInDays * DAY_MS).toISOString(),
  };
  await db.insertInto("tokens").values(row).execute();
  return { ...tokenOf(row), token };
}

/** The tokens that the holder of `token` may see: an operator all, a publisher's own. Expired ones are gone. */
export async function listTokens(db: Database, token: Token, now: Date): Promise<Token[]> {
  const rows = await db
    .selectFrom("tokens")
    .selectAll()
    .$if(!token.scopes.includes("operate"), (query) => query.where("publisher", "=", token.publisher ?? ""))
    .where("expires_at", ">", now.toISOString())
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return rows.map(tokenOf);
}

/**
 * Every token may end itself; ending others takes the right to manage the whole publisher.
 *
 * @throws HttpError HTTP_TOKEN_SCOPE; RegistryError REGISTRY_TOKEN_UNKNOWN
 */
export async function revokeToken(db: Database, maker: Token, id: string): Promise<void> {
  if (id !== maker.id) verifyScope(maker, "manage", { publisher: maker.publisher ?? "" });
  const { numDeletedRows } = await db
    .deleteFrom("tokens")
    .where("id", "=", id)
    .$if(!maker.scopes.includes("operate"), (query) => query.where("publisher", "=", maker.publisher ?? ""))
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw new RegistryError("REGISTRY_TOKEN_UNKNOWN", "there is no such token of yours");
}

/** Whether anybody can operate this registry; expired tokens do not count. */
export async function hasOperator(db: Database, now: Date): Promise<boolean> {
  const rows = await db.selectFrom("tokens").select("scopes").where("expires_at", ">", now.toISOString()).execute();
  return rows.some(({ scopes }) => (JSON.parse(scopes) as string[]).includes("operate"));
}
