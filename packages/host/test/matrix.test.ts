// Every service at every level: denied, granted, revoked during a call, expired. A new service is one more row.
import assert from "node:assert/strict";
import { chmod, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { Host } from "@berth/host";
import { SECURITY_LEVELS, statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";
import { programWall } from "@berth/sandbox";

import { install, makePackage, withHost } from "./fixture.ts";
import { engineOf, whyNot } from "./levels.ts";

/** What the rows are about, made anew for each level. */
interface Place {
  readonly folder: string;
  readonly port: number;
}

interface ServiceRow {
  readonly service: string;
  /** The body of a use in the plugin: what it gives is what a granted use answers. */
  readonly use: (place: Place) => string;
  readonly answer: unknown;
  /** What the plugin must hold for it; `undefined` for what needs no permission. */
  readonly permission: ((place: Place) => object) | undefined;
  /** The error that a pure action gets, when the use changes something. */
  readonly inPure: "BROKER_EFFECT_DENIED" | undefined;
  readonly skip?: string | false;
  /** What it holds besides, all the time. */
  readonly others?: (place: Place) => readonly object[];
  /** More of its manifest. */
  readonly manifest?: object;
}

const programs = await programWall();
const DATA = { name: "user_data_access", entities: ["contacts"], purpose: "to test" };

const SERVICES: readonly ServiceRow[] = [
  {
    service: "storage",
    use: () => `await ctx.storage.put("k", 7); return ctx.storage.get("k");`,
    answer: 7,
    permission: undefined,
    inPure: "BROKER_EFFECT_DENIED",
  },
  {
    service: "storage of the caller's partition",
    use: () => `await ctx.user.storage.put("k", 7); return ctx.user.storage.get("k");`,
    answer: 7,
    permission: undefined,
    inPure: "BROKER_EFFECT_DENIED",
  },
  {
    service: "log",
    use: () => `ctx.log.info("said"); return "said";`,
    answer: "said",
    permission: undefined,
    inPure: undefined,
  },
  {
    service: "schedules",
    use: () =>
      `await ctx.schedules.set("nightly", { cron: "0 3 * * *", action: "once" }); return (await ctx.schedules.list()).length;`,
    answer: 1,
    permission: undefined,
    inPure: "BROKER_EFFECT_DENIED",
  },
  {
    service: "events",
    use: () => `await ctx.events.publish("said", 1); return "published";`,
    answer: "published",
    permission: () => ({ name: "platform_services", events: { publish: ["acme.demo/said"], perHour: 10_000 } }),
    inPure: "BROKER_EFFECT_DENIED",
    manifest: { events: { said: { payload: true } } },
  },
  {
    service: "actions of other plugins",
    use: () => `return ctx.plugins.call("acme.other", "echo", 3);`,
    answer: 3,
    permission: () => ({ name: "platform_services", plugins: { actions: ["acme.other/echo"], perHour: 10_000 } }),
    inPure: undefined,
  },
  {
    service: "secrets in a header",
    use: ({ port }) => `return (await ctx.fetch("http://localhost:${port}/")).status;`,
    answer: 202,
    permission: () => ({ name: "secrets_access", names: ["one"] }),
    inPure: "BROKER_EFFECT_DENIED",
    others: ({ port }) => [
      {
        name: "network_restricted",
        hosts: ["localhost"],
        ports: [port],
        secretHeaders: [{ header: "x-token", secret: "one" }],
      },
    ],
  },
  {
    service: "config",
    use: () => `return (await ctx.config.get()).unit;`,
    answer: "km",
    permission: undefined,
    inPure: undefined,
  },
  {
    service: "secrets",
    use: () => `return ctx.secrets.reveal("one");`,
    answer: "first",
    permission: () => ({ name: "secrets_access", names: ["one"], reveal: true }),
    inPure: undefined,
  },
  {
    service: "network",
    use: ({ port }) => `return (await ctx.fetch("http://localhost:${port}/")).status;`,
    answer: 204,
    permission: ({ port }) => ({ name: "network_restricted", hosts: ["localhost"], ports: [port] }),
    inPure: "BROKER_EFFECT_DENIED",
  },
  {
    service: "user data, reading",
    use: () => `return (await ctx.user.data.get("contacts", "1")).name;`,
    answer: "Ann",
    permission: () => DATA,
    inPure: undefined,
  },
  {
    service: "user data, writing",
    use: () => `await ctx.user.data.update("contacts", "1", { name: "Bob" }); return "written";`,
    answer: "written",
    permission: () => ({ ...DATA, verbs: ["update"] }),
    inPure: "BROKER_EFFECT_DENIED",
  },
  {
    service: "files, reading",
    use: ({ folder }) => `return (await ctx.files.read(${JSON.stringify(join(folder, "a.txt"))})).length;`,
    answer: 6,
    permission: ({ folder }) => ({ name: "file_system_read", roots: [folder] }),
    inPure: undefined,
    skip: process.platform !== "linux" && "files need Linux",
  },
  {
    service: "files, writing",
    use: ({ folder }) =>
      `await ctx.files.write(${JSON.stringify(join(folder, "b.txt"))}, "x", { create: true }); return "written";`,
    answer: "written",
    permission: ({ folder }) => ({ name: "file_system_write", roots: [folder], create: true }),
    inPure: "BROKER_EFFECT_DENIED",
    skip: process.platform !== "linux" && "files need Linux",
  },
  {
    service: "exec",
    use: ({ folder }) =>
      `return new TextDecoder().decode((await ctx.exec.run(["/bin/cat", "{file}"], { values: { file: ${JSON.stringify(join(folder, "a.txt"))} } })).stdout);`,
    answer: "inside",
    permission: ({ folder }) => ({
      name: "system_exec",
      commands: [{ run: ["/bin/cat", "{file}"] }],
      workingDirectory: folder,
    }),
    inPure: "BROKER_EFFECT_DENIED",
    skip: programs.kind === "missing" && `no wall for programs here: ${programs.missing.why}`,
  },
];

/** Uses once, and uses until it is refused; both tell a refusal by its code, term and permission. */
const codeOf = (use: string): string => `
  const use = async (ctx) => { ${use} };
  const told = (error) => ({ code: error.code, term: error.details?.term, permission: error.details?.permission });
  const once = async (input, ctx) => { try { return { answer: await use(ctx) }; } catch (error) { return told(error); } };
  var berthPlugin = { actions: {
    once,
    pure: once,
    async untilRefused(input, ctx) {
      for (let uses = 0; ; uses += 1) {
        try { await use(ctx); } catch (error) { return { uses, ...told(error) }; }
        if (uses === 0) console.log("used");
        await new Promise((done) => setTimeout(done, 10));
      }
    },
  } };`;

async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-matrix-")));
  // Where this test is root's, commands have a user of their own.
  await chmod(folder, 0o755);
  await writeFile(join(folder, "a.txt"), "inside");
  const server = createServer((request, response) =>
    response.writeHead(request.headers["x-token"] === "first" ? 202 : 204).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  try {
    await work({ folder, port: (server.address() as AddressInfo).port });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}

const any = { input: true, output: true };
const OTHER = `var berthPlugin = { actions: { echo: (value) => value } };`;
const OTHER_MANIFEST = { contributes: { actions: { echo: { ...any, effect: "pure" } } } };
const refusedBy = (term: string, { name }: Permission): object => ({ code: "BROKER_DENIED", term, permission: name });
const once = (host: Host<string>, action = "once"): Promise<unknown> =>
  host.call("acme.demo", action, null, { caller: "ann" });

for (const level of SECURITY_LEVELS) {
  for (const row of SERVICES) {
    test(`${level}: ${row.service}`, async (t) => {
      const reason = row.skip === undefined || row.skip === false ? await whyNot(level) : row.skip;
      if (reason !== undefined) return t.skip(reason);
      await withPlace(async (place) => {
        const stated = row.permission?.(place);
        const permission = stated === undefined ? undefined : statedPermissionSchema.parse(stated);
        let now = new Date("2026-06-01T00:00:00.000Z");
        let onUsed: () => void = () => undefined;
        await withHost(
          async (host) => {
            const others = row.others?.(place) ?? [];
            const asked = [...(stated === undefined ? [] : [stated]), ...others];
            await install(host, makePackage({ id: "acme.other", code: OTHER, manifest: { level, ...OTHER_MANIFEST } }));
            const bytes = makePackage({
              code: codeOf(row.use(place)),
              manifest: {
                level,
                permissions: asked.map((each) => ({ ...each, optional: true, reason: "to test" })),
                secrets: ["one"],
                config: { type: "object", properties: { unit: { type: "string", default: "km" } } },
                optionalDependencies: { "acme.other": "*" },
                contributes: {
                  actions: { once: any, untilRefused: any, pure: { ...any, effect: "pure" } },
                  ...row.manifest,
                },
              },
            });
            const plan = await host.plan(bytes);
            assert.equal(plan.level, level);
            await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
            await host.setSecret("acme.demo", "one", "first");
            for (const each of others) await host.grant("acme.demo", statedPermissionSchema.parse(each));
            const granted = { answer: row.answer };
            if (permission === undefined) {
              assert.deepEqual(await once(host), granted);
            } else {
              const denied = refusedBy("grant", permission);
              assert.deepEqual(await once(host), denied, "denied");

              await host.grant("acme.demo", permission);
              assert.deepEqual(await once(host), granted, "granted");

              const used = new Promise<void>((resolve) => (onUsed = resolve));
              const underWay = host.call("acme.demo", "untilRefused", null, { caller: "ann" }) as Promise<{
                uses: number;
              }>;
              await Promise.race([used, underWay]);
              await host.revoke("acme.demo", permission.name);
              const { uses, ...refusal } = await underWay;
              assert.ok(uses >= 1);
              assert.deepEqual(refusal, denied, "revoked in flight");

              await host.grant("acme.demo", permission, { expiresAt: "2026-06-01T01:00:00.000Z" });
              assert.deepEqual(await once(host), granted, "granted for a while");
              now = new Date("2026-06-01T01:00:00.001Z");
              assert.deepEqual(await once(host), denied, "expired");
              await host.grant("acme.demo", permission);
            }
            const pure = await once(host, "pure");
            if (row.inPure === undefined) assert.deepEqual(pure, granted);
            else assert.deepEqual((pure as { code: string }).code, row.inPure);
          },
          {
            engines: [engineOf(level)],
            policy: { level: "minimal", privateHosts: ["localhost"] },
            now: () => now,
            onLog: () => onUsed(),
            userData: {
              read: async () => ({ name: "Ann" }),
              update: async () => undefined,
            },
          },
        );
      });
    });
  }
}

test("each of the four terms denies, and is named", async () => {
  const stated = { name: "secrets_access", names: ["one"], reveal: true };
  const permission = statedPermissionSchema.parse(stated);
  const code = codeOf(`return ctx.secrets.reveal("one");`);
  const terms = [
    { term: "manifest", asked: [], policy: {}, caller: undefined },
    { term: "policy", asked: [stated], policy: { ceilings: [{ ...stated, names: ["two"] }] }, caller: undefined },
    { term: "grant", asked: [stated], policy: {}, caller: undefined },
    { term: "caller", asked: [stated], policy: { grants: [stated] }, caller: "ann" },
  ] as const;
  for (const { term, asked, policy, caller } of terms) {
    await withHost(
      async (host) => {
        const permissions = asked.map((each) => ({ ...each, optional: true, reason: "to test" }));
        const manifest = {
          permissions,
          secrets: ["one"],
          contributes: { actions: { once: any, untilRefused: any, pure: any } },
        };
        const plan = await host.plan(makePackage({ code, manifest }));
        await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
        const answer = await host.call("acme.demo", "once", null, caller === undefined ? {} : { caller });
        assert.deepEqual(answer, refusedBy(term, permission));
      },
      { policy: policy as object, rightsOf: () => [] },
    );
  }
});
