import type { GraphPlan, Host } from "@berth/host";
import type { FastifyInstance } from "fastify";

import { HostHttpError } from "./errors.ts";
import { goneSignal } from "./gone-signal.ts";
import { bodyOf, bytesOf } from "./json-body.ts";
import type { IdParams } from "./json-body.ts";
import {
  consentSchema,
  discoveryQuerySchema,
  newPlanSchema,
  parseShape,
  planRequestOf,
  uninstallSchema,
} from "./request-shapes.ts";
import { Shelf } from "./shelf.ts";

/** A plan holds the packages that it would install, so only a few wait at a time. */
const PLANS = 8;
const PACKAGES = 8;

/** What is installed, and what could be; plans, consent and removal. */
export function addInstallRoutes(server: FastifyInstance, host: Host<string>): void {
  const plans = new Shelf<GraphPlan>(PLANS);
  const packages = new Shelf<Uint8Array>(PACKAGES);

  server.get("/plugins", { config: { about: "What is installed, and in which state" } }, async () => ({
    plugins: await host.list(),
  }));
  server.get("/graph", { config: { about: "What is installed, and who needs whom" } }, async () => ({
    plugins: await host.graph(),
  }));
  server.get("/lock", { config: { about: "What a lockfile for the installed plugins holds" } }, () => host.lock());
  server.get(
    "/discovery",
    {
      config: {
        about: "Packages and development folders that lie in folders; changes nothing",
        query: discoveryQuerySchema,
      },
    },
    (request, reply) => {
      const { folder: folders } = parseShape(discoveryQuerySchema, request.query);
      return host.discover({ signal: goneSignal(reply), ...(folders !== undefined && { folders }) });
    },
  );
  server.post(
    "/packages",
    { config: { about: "Takes a package up for a plan", bodyType: "application/octet-stream" } },
    (request) => ({ id: packages.put(bytesOf(request)) }),
  );
  server.post(
    "/plans",
    { config: { about: "Tells what installing would mean; changes nothing", body: newPlanSchema } },
    async (request, reply) => {
      const shape = bodyOf(newPlanSchema, request);
      const given = shape.packages.map((id) => {
        const bytes = packages.take(id);
        if (bytes === undefined) throw new HostHttpError("HOST_API_PACKAGE_UNKNOWN", "no such package was uploaded");
        return bytes;
      });
      const plan = await host.planGraph(planRequestOf(shape, given, goneSignal(reply)));
      return { id: plans.put(plan), plan: shownPlan(plan) };
    },
  );
  server.post<IdParams>(
    "/plans/:id/install",
    { config: { about: "Installs what a plan describes, with consent", body: consentSchema } },
    async (request) => {
      const consent = bodyOf(consentSchema, request);
      const plan = plans.take(request.params.id);
      if (plan === undefined) throw new HostHttpError("HOST_API_PLAN_UNKNOWN", "no such plan waits for consent");
      return { installed: await host.installGraph(plan, consent) };
    },
  );
  server.post(
    "/uninstalls",
    { config: { about: "Removes plugins with grants and stored data: all of them, or none", body: uninstallSchema } },
    async (request) => ({ receipts: await host.uninstallAll(bodyOf(uninstallSchema, request).ids) }),
  );
}

/** A plan without its packages and its inner state. */
function shownPlan({ members, newlyAsked, origins }: GraphPlan): object {
  return { newlyAsked, origins, members: members.map(({ packageBytes: _packageBytes, ...member }) => member) };
}
