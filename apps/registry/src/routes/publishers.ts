import { utf8 } from "@berth/base";
import { newKeySchema, newPublisherAnswerSchema, newPublisherSchema, publisherSchema } from "@berth/spec";
import { parsePublicKey, verifyKeyStatement } from "@berth/trust";
import { z } from "zod";

import { createToken } from "../catalogue/access.ts";
import { createPublisher, enrolKey, readPublisher, retireKey } from "../catalogue/publishers.ts";
import { writeCatalogue } from "../catalogue/write.ts";
import type { Services } from "../services.ts";
import { authenticate, authorize } from "./authorize.ts";
import { publisherParameters } from "./parameters.ts";
import type { Server } from "./server-type.ts";
import { verifyScope } from "../catalogue/access.ts";

const FIRST_TOKEN_DAYS = 30;

/** Publishers and their keys. */
export function addPublishers(server: Server, services: Services): void {
  const { db, now, config, follower, log } = services;
  const writes = { config: { rateLimit: { max: config.writesPerMinute, groupId: "writes" } } };
  const tags = ["publishers"];

  server.post(
    "/api/v1/publishers",
    {
      ...writes,
      schema: {
        summary: "Claims a name for a key",
        description: "Needs an operator's token unless registration is open. The answer holds a first token.",
        tags,
        security: [{ token: [] }, {}],
        body: newPublisherSchema,
        response: { 201: newPublisherAnswerSchema },
      },
    },
    async (request, reply) => {
      const { name, publicKey } = request.body;
      const isAnonymous = config.openRegistration && request.headers.authorization === undefined;
      if (!isAnonymous) verifyScope(await authenticate(services, request), "operate", { publisher: name });
      const key = parsePublicKey(publicKey);
      await writeCatalogue(db, now, (write) => createPublisher(write, { name, key, isByOperator: !isAnonymous }));
      const token = await createToken(
        db,
        {
          publisher: name,
          scopes: ["publish", "manage"],
          expiresInDays: FIRST_TOKEN_DAYS,
          label: "first token",
        },
        now(),
      );
      await follower.catchUp();
      log.info({ publisher: name }, "publisher created");
      return reply.code(201).send({ ...(await readPublisher(db, name)), token });
    },
  );

  server.get(
    "/api/v1/publishers/:publisher",
    {
      schema: {
        summary: "A publisher and its keys",
        tags,
        params: publisherParameters,
        response: { 200: publisherSchema },
      },
    },
    (request) => readPublisher(db, request.params.publisher),
  );

  server.post(
    "/api/v1/publishers/:publisher/keys",
    {
      ...writes,
      schema: {
        summary: "Enrols a further key",
        description: "Takes a statement about the new key that an active key of the publisher signed.",
        tags,
        security: [{ token: [] }],
        params: publisherParameters,
        body: newKeySchema,
        response: { 201: publisherSchema },
      },
    },
    async (request, reply) => {
      const { publisher } = request.params;
      await authorize(services, request, "manage", { publisher });
      await writeCatalogue(db, now, async (write) => {
        const { keys } = await readPublisher(write.db, publisher);
        const { newKey } = verifyKeyStatement({
          envelope: utf8(request.body.statement),
          expected: { publisher, repository: config.repository, now: now() },
          keys: keys.filter(({ retiredAt }) => retiredAt === undefined),
        });
        await enrolKey(write, publisher, newKey);
      });
      await follower.catchUp();
      log.info({ publisher }, "key enrolled");
      return reply.code(201).send(await readPublisher(db, publisher));
    },
  );

  server.delete(
    "/api/v1/publishers/:publisher/keys/:keyId",
    {
      ...writes,
      schema: {
        summary: "Retires a key",
        description: "It goes on vouching for what was published before.",
        tags,
        security: [{ token: [] }],
        params: publisherParameters.extend({ keyId: z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be a key id") }),
        response: { 200: publisherSchema },
      },
    },
    async (request) => {
      const { publisher, keyId } = request.params;
      await authorize(services, request, "manage", { publisher });
      await writeCatalogue(db, now, async (write) => {
        await readPublisher(write.db, publisher);
        await retireKey(write, publisher, keyId);
      });
      await follower.catchUp();
      log.info({ publisher }, "key retired");
      return readPublisher(db, publisher);
    },
  );
}
