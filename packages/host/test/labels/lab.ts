import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Host, HostOptions, RecordFields, UserDataProvider } from "@berth/host";

import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };

/** Does what it is told, step by step, and answers with what came of each. */
const CODE = `
  let kept = 0;
  const steps = {
    get: ([entity, id, options], ctx) => ctx.user.data.get(entity, id, options),
    list: ([entity, options], ctx) => ctx.user.data.list(entity, options),
    create: ([entity, fields], ctx) => ctx.user.data.create(entity, fields),
    createLarge: ([entity, size], ctx) => ctx.user.data.create(entity, { name: "x".repeat(size) }),
    update: ([entity, id, fields], ctx) => ctx.user.data.update(entity, id, fields),
    remove: ([entity, id], ctx) => ctx.user.data.delete(entity, id),
    fetch: async ([url, options], ctx) => (await ctx.fetch(url, options)).status,
    storage: ([method, ...args], ctx) => ctx.storage[method](...args),
    userStorage: ([method, ...args], ctx) => ctx.user.storage[method](...args),
    publish: async ([event, value, options], ctx) => (await ctx.events.publish(event, value, options)).isNew,
    call: ([plugin, action, input], ctx) => ctx.plugins.call(plugin, action, input),
    log: ([text], ctx) => ctx.log.warn(text),
    schedule: ([name], ctx) => ctx.schedules.set(name, { cron: "0 3 * * *", action: "run" }),
    unschedule: ([name], ctx) => ctx.schedules.remove(name),
    schedules: (_none, ctx) => ctx.schedules.list(),
    config: (_none, ctx) => ctx.config.get(),
    readFile: async ([path], ctx) => (await ctx.files.read(path)).length,
    writeFile: ([path], ctx) => ctx.files.write(path, "x", { create: true }),
    fail: ([words]) => { throw new Error(words); },
    nothing: () => null,
    count: () => (kept += 1),
  };
  async function run(todo, ctx) {
    const done = [];
    for (const [name, ...args] of todo) {
      try { done.push((await steps[name](args, ctx)) ?? null); }
      catch (error) {
        if (name === "fail") throw error;
        done.push({ code: error.code ?? error.name });
      }
    }
    return done;
  }
  async function hear(value, ctx) {
    const heard = await run(value.steps ?? [], ctx);
    if (value.fail !== undefined) throw new Error(value.fail);
    return heard;
  }
  var berthPlugin = { actions: { run, again: run, hear } };`;

export const dataRight = (more: object = {}): object => ({
  name: "user_data_access",
  entities: ["contacts", "notes"],
  purpose: "to test",
  reason: "to test",
  ...more,
});

export interface Lab {
  readonly host: Host<string>;
  readonly dataDir: string;
  readonly port: number;
  /** What reached the server, in order. */
  readonly received: string[];
  run(steps: readonly unknown[], options?: RunOptions): Promise<unknown[]>;
}

interface RunOptions {
  readonly plugin?: string;
  readonly action?: string;
  readonly caller?: string;
  readonly key?: string;
  readonly onLabel?: (hosts: readonly string[]) => void;
}

/** What the user has. Every test gets records of its own. */
export function makeRecords(): Map<string, Map<string, RecordFields>> {
  return new Map<string, Map<string, RecordFields>>([
    ["contacts", new Map([["1", { name: "Ann", email: "ann@example.com", secret: "s3cret" }]])],
    ["notes", new Map([["n", { text: "hello" }]])],
  ]);
}

export const providerOf = (records = makeRecords(), more: Partial<UserDataProvider> = {}): UserDataProvider => ({
  read: async ({ entity, id }) => records.get(entity)?.get(id),
  list: async ({ entity }) => ({
    records: [...(records.get(entity) ?? [])].map(([id, fields]) => ({ id, fields })),
  }),
  async create({ entity, fields }) {
    records.get(entity)?.set("new", fields);
    return "new";
  },
  async update({ entity, id, fields }) {
    const before = records.get(entity)?.get(id);
    if (before !== undefined) records.get(entity)?.set(id, { ...before, ...fields });
  },
  async delete({ entity, id }) {
    records.get(entity)?.delete(id);
  },
  ...more,
});

export interface LabPlugin {
  readonly id?: string;
  readonly permissions?: readonly object[];
  readonly dependencies?: object;
  readonly subscriptions?: object;
  readonly level?: string;
  /** What the action `run` promises. */
  readonly effect?: "pure" | "idempotent";
}

export const networkRight = (port: number, hosts = ["localhost", "127.0.0.1"]): object => ({
  name: "network_restricted",
  hosts,
  ports: [port],
  methods: ["GET", "POST"],
  reason: "to test",
});

export const servicesRight = (more: object): object => ({
  name: "platform_services",
  reason: "to test",
  ...more,
});

/** A plugin that does what it is told. */
export const labPlugin = ({
  id = "acme.demo",
  permissions = [],
  dependencies = {},
  subscriptions = {},
  level = "standard",
  effect,
}: LabPlugin): Uint8Array =>
  makePackage({
    id,
    code: CODE,
    manifest: {
      level,
      permissions,
      dependencies,
      contributes: {
        actions: { run: effect === undefined ? any : { ...any, effect }, again: any, hear: any },
        events: { said: { payload: true }, kept: { payload: true, delivery: "durable" } },
        subscriptions,
      },
    },
  });

/** A server that says where to go when it is asked for `/to/URL`, and a host beside it. */
export async function withLab(
  plugins: (port: number) => readonly Uint8Array[],
  work: (lab: Lab) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(`${request.headers.host?.split(":")[0]} ${request.method} ${request.url}`);
    const to = /^\/to\/(.*)$/.exec(request.url ?? "")?.[1];
    if (to === undefined) response.writeHead(204).end();
    else response.writeHead(307, { location: decodeURIComponent(to) }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await withHost(
      async (host, dataDir) => {
        for (const bytes of plugins(port)) await install(host, bytes);
        await work({ host, dataDir, port, received, run: (steps, how) => runSteps(host, steps, how) });
      },
      {
        policy: { level: "minimal", privateHosts: ["localhost", "127.0.0.1"] },
        userData: providerOf(),
        ...options,
      },
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export function runSteps(
  host: Host<string>,
  steps: readonly unknown[],
  { plugin = "acme.demo", action = "run", caller = "ann", key, onLabel }: RunOptions = {},
): Promise<unknown[]> {
  return host.call(plugin, action, steps, {
    caller,
    ...(key !== undefined && { idempotencyKey: key }),
    ...(onLabel !== undefined && { onLabel: ({ mayLeaveTo }) => onLabel(mayLeaveTo) }),
  }) as Promise<unknown[]>;
}

export const DENIED = { code: "BROKER_LABEL_DENIED" };
