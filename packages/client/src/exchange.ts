import { isCodedError, quote, sanitize } from "@berth/base";

import { ClientError } from "./errors.ts";
import { problemOf, retryAfterMs } from "./problem.ts";
import type { ClientPowers, TransportAnswer, TransportRequest } from "./transport.ts";

/** Why an exchange ends early: the caller, or one of our clocks. */
const DEADLINE = Symbol("deadline");
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What may pass by itself. Everything else would be answered the same a second time. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
const ATTEMPTS = 4;
const FIRST_DELAY_MS = 150;
const MAX_DELAY_MS = 5_000;

export interface ExchangeRequest<Result> {
  readonly method?: TransportRequest["method"];
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: TransportRequest["body"];
  /** For everything together: attempts, pauses and the reading of the answer. */
  readonly timeoutMs: number;
  /** The longest silence while an answer is read. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What was attempted, for messages: "reading the index of acme.charts". */
  readonly what: string;
  /** Reads the answer; called for every status below 400. */
  readonly read: (answer: TransportAnswer, body: AsyncIterable<Uint8Array>) => Promise<Result>;
}

/**
 * Sends a request and reads its answer, within its deadline. Only GET is tried again: after everything
 * else the registry may have done what was asked before the connection broke.
 *
 * @throws ClientError CLIENT_REGISTRY_UNREACHABLE, CLIENT_REGISTRY_SLOW, CLIENT_REGISTRY_FAILED,
 *   CLIENT_RATE_LIMITED, CLIENT_DENIED, CLIENT_REFUSED, CLIENT_REDIRECT_REFUSED; what `read` throws
 */
export async function exchange<Result>(powers: ClientPowers, request: ExchangeRequest<Result>): Promise<Result> {
  const { clock, random, sleep } = powers;
  const endsAt = clock() + request.timeoutMs;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(request.signal?.reason);
  request.signal?.throwIfAborted();
  request.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => stop.abort(DEADLINE), request.timeoutMs);
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await attemptOnce(powers, request, stop);
      } catch (error) {
        const failure = failureOf(error, request, stop.signal);
        const isLast = attempt === ATTEMPTS || (request.method ?? "GET") !== "GET";
        if (isLast || !isPassing(failure)) throw failure;
        // Full jitter: many clients that failed together do not come back together.
        const backOffMs = random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
        const delayMs = Math.max(backOffMs, Number(failure.details?.["retryAfterMs"] ?? 0));
        if (clock() + delayMs >= endsAt) throw failure;
        try {
          await sleep(delayMs, stop.signal);
        } catch {
          throw failureOf(stop.signal.reason, request, stop.signal); // The pause ends early only by the signal.
        }
      }
    }
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", onAbort);
  }
}

const isPassing = (error: unknown): error is ClientError =>
  error instanceof ClientError &&
  (error.code === "CLIENT_REGISTRY_UNREACHABLE" || PASSING.has(Number(error.details?.["status"])));

async function attemptOnce<Result>(
  powers: ClientPowers,
  request: ExchangeRequest<Result>,
  stop: AbortController,
): Promise<Result> {
  const { method = "GET", headers = {}, body, what } = request;
  let { url } = request;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await powers.transport({
      method,
      url,
      headers: { "user-agent": "berth", "accept-encoding": "identity", ...headers },
      ...(body !== undefined && { body }),
      signal: stop.signal,
    });
    if (REDIRECTS.has(answer.status)) {
      answer.discard();
      if (method !== "GET" || redirects === MAX_REDIRECTS) throw redirectRefused(what, answer);
      url = followed(what, answer, url);
      continue;
    }
    return await readAnswer(powers, request, answer);
  }
}

/** Within one origin only: another host must not take the place of the one that was trusted. */
function followed(what: string, answer: TransportAnswer, from: URL): URL {
  const target = URL.parse(answer.header("location") ?? "", from.href);
  if (target === null || target.origin !== from.origin) throw redirectRefused(what, answer);
  return target;
}

const redirectRefused = (what: string, answer: TransportAnswer): ClientError =>
  new ClientError(
    "CLIENT_REDIRECT_REFUSED",
    `${what}: the registry redirects to ${quote(answer.header("location"), 200)}, which is not followed`,
  );

async function readAnswer<Result>(
  powers: ClientPowers,
  { read, idleMs, what }: ExchangeRequest<Result>,
  answer: TransportAnswer,
): Promise<Result> {
  const encoding = answer.header("content-encoding") ?? "identity";
  const body = withoutSilence(answer, idleMs, what);
  try {
    if (answer.status >= 400) throw await refusal(powers, what, answer, body);
    // What was not asked for could inflate to any size.
    if (encoding !== "identity") {
      throw new ClientError("CLIENT_ANSWER_INVALID", `${what}: the answer is encoded as ${quote(encoding)}, unasked`);
    }
    return await read(answer, body);
  } catch (error) {
    answer.discard();
    throw error;
  }
}

async function refusal(
  { now }: ClientPowers,
  what: string,
  answer: TransportAnswer,
  body: AsyncIterable<Uint8Array>,
): Promise<ClientError> {
  const { status } = answer;
  const problem = await problemOf(answer, body);
  const words = problem === undefined ? `status ${status}` : sanitize(problem.detail, 500);
  const details = {
    status,
    ...(problem !== undefined && { registryCode: sanitize(problem.code, 100), registryDetails: problem.details }),
  };
  const hint = problem?.hint === undefined ? {} : { hint: sanitize(problem.hint, 500) };
  if (status === 429) {
    const waitMs = retryAfterMs(answer.header("retry-after"), now());
    const when = waitMs === undefined ? "" : `; it asks to wait ${Math.ceil(waitMs / 1_000)} s`;
    return new ClientError("CLIENT_RATE_LIMITED", `${what}: the registry takes no more requests for now${when}`, {
      details: { ...details, ...(waitMs !== undefined && { retryAfterMs: waitMs }) },
    });
  }
  if (status >= 500 || status === 408 || status === 425) {
    const waitMs = retryAfterMs(answer.header("retry-after"), now());
    return new ClientError("CLIENT_REGISTRY_FAILED", `${what}: the registry failed: ${words}`, {
      details: { ...details, ...(waitMs !== undefined && { retryAfterMs: waitMs }) },
    });
  }
  const code = status === 401 || status === 403 ? "CLIENT_DENIED" : "CLIENT_REFUSED";
  return new ClientError(code, `${what}: the registry refused: ${words}`, { ...hint, details });
}

/** Fails when the registry falls silent: a drip that never ends would otherwise hold us until the deadline. */
async function* withoutSilence(
  answer: TransportAnswer,
  idleMs: number,
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  let isSilent = false;
  const onSilence = (): void => {
    isSilent = true;
    answer.discard();
  };
  let timer = setTimeout(onSilence, idleMs);
  try {
    for await (const part of answer.body) {
      clearTimeout(timer);
      yield part;
      timer = setTimeout(onSilence, idleMs);
    }
  } catch (error) {
    throw isSilent ? slow(what, `it sent nothing for ${idleMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
  // A connection that was dropped by us may also end without an error.
  if (isSilent) throw slow(what, `it sent nothing for ${idleMs} ms`);
}

const slow = (what: string, found: string): ClientError =>
  new ClientError("CLIENT_REGISTRY_SLOW", `${what}: the registry did not answer in time: ${found}`);

/** What an attempt ended with, in our words. The caller's own abort passes through as it is. */
function failureOf(error: unknown, { what, timeoutMs }: ExchangeRequest<unknown>, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason === DEADLINE ? slow(what, `its ${timeoutMs} ms are over`) : signal.reason;
  if (isCodedError(error) || !isConnectionError(error)) return error;
  return new ClientError("CLIENT_REGISTRY_UNREACHABLE", `${what}: no connection to the registry (${error.code})`, {
    cause: error,
    details: { connection: error.code },
  });
}

const isConnectionError = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && typeof (error as { code?: unknown }).code === "string";
