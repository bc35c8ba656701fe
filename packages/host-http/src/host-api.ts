import { isCodedError } from "@berth/base";
import type { ErrorKind } from "@berth/base";
import type { GraphPlan, Host } from "@berth/host";
import { HttpError, PROBLEM_TYPE, hashToken, makeProblemOf, readBearer } from "@berth/http";
import { formatDataLabel } from "@berth/spec";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { LINES_TYPE, sendLines } from "./action-lines.ts";
import { DATA_LABEL_HEADER } from "./data-label-header.ts";
import { HostHttpError } from "./errors.ts";
import { proofOf } from "./proof.ts";
import {
  callQuerySchema,
  consentSchema,
  journalQuerySchema,
  newBindingSchema,
  newKeySchema,
  newPlanSchema,
  newRegistryOf,
  newRegistrySchema,
  newStateSchema,
  parseShape,
  planRequestOf,
  statisticsQueryOf,
  statisticsQuerySchema,
  uninstallSchema,
} from "./request-shapes.ts";
import { Shelf } from "./shelf.ts";

const MAX_VALUE_BYTES = 64 * 1_048_576;
/** A plan holds the packages that it would install, so only a few wait at a time. */
const PLANS = 8;
const PACKAGES = 8;

const problemOf = makeProblemOf({
  HOST_API_PLAN_UNKNOWN: 404,
  HOST_API_PACKAGE_UNKNOWN: 404,
  HOST_PLUGIN_UNKNOWN: 404,
});

type IdParams = { Params: { id: string } };

/**
 * Adds the host's REST API below the prefix at which it is registered. Whoever holds the token may do
 * everything that the embedding program may.
 */
export function addHostApi(server: FastifyInstance, host: Host<string>, token: string): void {
  const tokenHash = hashToken(token);
  const plans = new Shelf<GraphPlan>(PLANS);
  const packages = new Shelf<Uint8Array>(PACKAGES);

  server.removeAllContentTypeParsers();
  // Parsing a large value would stall everybody; the host does it in a worker.
  server.addContentTypeParser(
    ["application/json", "application/octet-stream"],
    { parseAs: "buffer", bodyLimit: MAX_VALUE_BYTES },
    (_request, body, done) => done(null, body),
  );
  server.setErrorHandler(sendProblem);
  server.setNotFoundHandler(() => {
    throw new HttpError("HTTP_NOT_FOUND", "nothing is served here");
  });
  server.addHook("onRequest", async (request) => {
    if (request.headers.origin !== undefined)
      throw new HostHttpError("HOST_API_BROWSER_REFUSED", "a web page may not speak to this host");
    if (request.routeOptions.config.isOpen === true) return;
    // Digests are compared, so the time that it takes says nothing about the token.
    if (hashToken(readBearer(request.headers.authorization)) !== tokenHash)
      throw new HttpError("HTTP_TOKEN_INVALID", "the token is not the one of this host");
  });

  server.get<{ Querystring: { challenge?: string } }>("/host", { config: { isOpen: true } }, (request) => ({
    pid: process.pid,
    proof: proofOf(token, String(request.query.challenge ?? "").slice(0, 200)),
  }));

  server.get("/plugins", async () => ({ plugins: await host.list() }));
  server.get("/graph", async () => ({ plugins: await host.graph() }));
  server.get("/lock", () => host.lock());
  server.get("/journal", async (request) => {
    const { plugin, before, limit } = parseShape(journalQuerySchema, request.query);
    return { entries: await host.journal({ pluginId: plugin, before, limit }) };
  });
  server.get("/statistics", async (request) => ({
    actions: await host.statistics(statisticsQueryOf(parseShape(statisticsQuerySchema, request.query))),
  }));
  server.get("/usage", async (request) => ({
    plugins: await host.usage(statisticsQueryOf(parseShape(statisticsQuerySchema, request.query))),
  }));
  server.get("/keys", async () => ({ keys: await host.trustedKeys() }));
  server.post("/keys", async (request) => {
    const { publisher, key } = parseShape(newKeySchema, jsonOf(request));
    await host.trustKey(publisher, key);
    return { ok: true };
  });

  server.get("/registries", async () => ({
    registries: await host.registries.list(),
    bindings: await host.registries.bindings(),
  }));
  server.post("/registries", (request) =>
    host.registries.add(newRegistryOf(parseShape(newRegistrySchema, jsonOf(request)))),
  );
  server.delete<IdParams>("/registries/:id", (request) => host.registries.remove(request.params.id));
  server.put<IdParams>("/publishers/:id/registry", (request) =>
    host.registries.bind(request.params.id, parseShape(newBindingSchema, jsonOf(request)).registry),
  );

  server.post("/packages", (request) => ({ id: packages.put(bytesOf(request)) }));
  server.post("/plans", async (request, reply) => {
    const shape = parseShape(newPlanSchema, jsonOf(request));
    const given = shape.packages.map((id) => {
      const bytes = packages.take(id);
      if (bytes === undefined) throw new HostHttpError("HOST_API_PACKAGE_UNKNOWN", "no such package was uploaded");
      return bytes;
    });
    const plan = await host.planGraph(planRequestOf(shape, given, goneSignal(reply)));
    return { id: plans.put(plan), plan: shownPlan(plan) };
  });
  server.post<IdParams>("/plans/:id/install", async (request) => {
    const consent = parseShape(consentSchema, jsonOf(request));
    const plan = plans.take(request.params.id);
    if (plan === undefined) throw new HostHttpError("HOST_API_PLAN_UNKNOWN", "no such plan waits for consent");
    return { installed: await host.installGraph(plan, consent) };
  });
  server.post("/uninstalls", async (request) => ({
    receipts: await host.uninstallAll(parseShape(uninstallSchema, jsonOf(request)).ids),
  }));

  server.put<IdParams>("/plugins/:id/state", (request) => {
    const { state } = parseShape(newStateSchema, jsonOf(request));
    return state === "enabled" ? host.enable(request.params.id) : host.disable(request.params.id);
  });
  server.get<IdParams>("/plugins/:id/erasure", (request) => host.previewUninstall(request.params.id));
  server.post<{ Params: { id: string; action: string } }>("/plugins/:id/actions/:action", async (request, reply) => {
    const { id, action } = request.params;
    const { user } = parseShape(callQuerySchema, request.query);
    if (acceptsLines(request.headers.accept)) {
      const asked = { id, action, input: bytesOf(request), caller: user, signal: goneSignal(reply) };
      await sendLines(reply, host, asked, shownProblem);
      return reply;
    }
    const answer = await host.callBytes(id, action, bytesOf(request), {
      signal: goneSignal(reply),
      // Also when the call fails: an error tells of data as an answer does.
      onLabel: (label) => void reply.header(DATA_LABEL_HEADER, formatDataLabel(label)),
      ...(user !== undefined && { caller: user }),
    });
    return reply.type("application/json").send(Buffer.from(answer));
  });
}

/** A plan without its packages and its inner state. */
function shownPlan({ members, newlyAsked, origins }: GraphPlan): object {
  return { newlyAsked, origins, members: members.map(({ packageBytes: _packageBytes, ...member }) => member) };
}

/** A program that takes lines says so by name: whoever takes anything gets one answer. */
const acceptsLines = (accept: string | undefined): boolean =>
  accept?.split(",").some((type) => type.split(";")[0]?.trim().toLowerCase() === LINES_TYPE) === true;

const bytesOf = ({ body }: FastifyRequest): Uint8Array => (body instanceof Uint8Array ? body : new Uint8Array(0));

/** @throws HttpError HTTP_REQUEST_INVALID */
function jsonOf(request: FastifyRequest): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(request)));
  } catch {
    throw new HttpError("HTTP_REQUEST_INVALID", "the body must be JSON");
  }
}

/** Aborts when whoever asked has gone: nobody would hear the answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

function sendProblem(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = shownProblem(error);
  return reply.code(problem.status).header("content-type", PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

function shownProblem(error: unknown): ReturnType<typeof problemOf> & { readonly kind: ErrorKind } {
  const coded = codedErrorOf(error as FastifyError);
  // The kind is what exit codes follow from, and the status alone does not tell it.
  return { ...problemOf(coded), kind: isCodedError(coded) ? coded.kind : "internal" };
}

/** What the framework refuses, in our codes; everything else as it is. */
function codedErrorOf(error: FastifyError): unknown {
  if (isCodedError(error)) return error;
  if (error.statusCode === 413) return new HttpError("HTTP_BODY_TOO_LARGE", "the body is larger than 64 MiB");
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new HttpError("HTTP_REQUEST_INVALID", error.message);
  return error;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answered without a token. */
    isOpen?: boolean;
  }
}
