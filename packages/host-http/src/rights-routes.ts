import type { Host } from "@berth/host";
import type { FastifyInstance } from "fastify";

import { bodyOf } from "./json-body.ts";
import type { IdParams, NamedParams } from "./json-body.ts";
import {
  dismissalSchema,
  newGrantSchema,
  newSecretSchema,
  revocationSchema,
  rotationSchema,
} from "./request-shapes.ts";

/** What was granted, requested and filled in, by plugin. No value of a secret is ever answered. */
export function addRightsRoutes(server: FastifyInstance, host: Host<string>): void {
  server.get<IdParams>(
    "/plugins/:id/permissions",
    { config: { about: "What a plugin's manifest asks for, granted or not" } },
    async ({ params }) => ({ permissions: await host.declaredPermissions(params.id) }),
  );
  server.get<IdParams>(
    "/plugins/:id/grants",
    {
      config: { about: "What persons granted to a plugin, and what the policy grants it; when each was last used" },
    },
    async ({ params }) => ({
      grants: await host.grants(params.id),
      policyGrants: await host.policyGrants(params.id),
    }),
  );
  server.post<IdParams>(
    "/plugins/:id/grants",
    { config: { about: "Grants a permission, or as much of it as is named", body: newGrantSchema } },
    async (request) => {
      const { permission, expiresAt } = bodyOf(newGrantSchema, request);
      await host.grant(request.params.id, permission, expiresAt === undefined ? {} : { expiresAt });
      return { permission };
    },
  );
  server.post<IdParams>(
    "/plugins/:id/revocations",
    {
      config: {
        about: "Takes back grants by name or by permission; calls under way lose them at their next request",
        body: revocationSchema,
      },
    },
    async (request) => {
      const { permission, name } = bodyOf(revocationSchema, request);
      // The schema takes exactly one of them.
      return { revoked: await host.revoke(request.params.id, permission ?? name!) };
    },
  );
  server.get<IdParams>(
    "/plugins/:id/suggestion",
    { config: { about: "The narrowest permissions under which everything in the journal would have worked" } },
    ({ params }) => host.suggestPermissions(params.id),
  );
  server.get(
    "/permission-requests",
    { config: { about: "Permissions that plugins needed while nobody was there to ask" } },
    async () => ({ requests: await host.permissionRequests() }),
  );
  server.post<IdParams>(
    "/plugins/:id/dismissals",
    { config: { about: "Answers requests for a permission with no; to agree, grant it", body: dismissalSchema } },
    async (request) => ({
      dismissed: await host.dismissRequests(request.params.id, bodyOf(dismissalSchema, request).name),
    }),
  );

  server.get<IdParams>(
    "/plugins/:id/secrets",
    { config: { about: "Secrets that are filled in: names, versions and times" } },
    async ({ params }) => ({ secrets: await host.secrets(params.id) }),
  );
  server.put<NamedParams>(
    "/plugins/:id/secrets/:name",
    { config: { about: "Fills in a secret; it cannot be read back", body: newSecretSchema } },
    (request) => host.setSecret(request.params.id, request.params.name, bodyOf(newSecretSchema, request).value),
  );
  server.delete<NamedParams>(
    "/plugins/:id/secrets/:name",
    { config: { about: "Erases a secret" } },
    async ({ params }) => ({ removed: await host.removeSecret(params.id, params.name) }),
  );
  server.post(
    "/secrets/rotations",
    { config: { about: "Seals every secret and all settings anew with a new key", body: rotationSchema } },
    (request) => {
      const { operatorKey } = bodyOf(rotationSchema, request);
      return host.rotateSecrets(operatorKey === undefined ? {} : { operatorKey });
    },
  );
}
