import { makePackage } from "../fixture.ts";

const any = { input: true, output: true };

/** Publishes what it is told to, and answers with what came back. */
const PUBLISHER = `var berthPlugin = { actions: {
  async publish([event, value, options], ctx) {
    try { return await ctx.events.publish(event, value, options); }
    catch (error) { return { code: error.code ?? error.name, details: error.details ?? null }; }
  },
  async pure(value, ctx) { try { await ctx.events.publish("said", "x"); return "published"; } catch (error) { return error.code; } },
} };`;

/** Keeps what it hears; throws as often as it is told to. Publishes on when it hears of itself. */
const SUBSCRIBER = `var berthPlugin = { actions: {
  async hear(value, ctx) {
    await ctx.storage.put("tried:" + ctx.event.id + ":" + ctx.event.attempt, 1);
    if ((await ctx.storage.get("broken")) === true) throw new Error("broken on purpose");
    const area = value === "private" ? ctx.user.storage : ctx.storage;
    await area.put("heard:" + ctx.event.id, { value, ...ctx.event });
  },
  async heard(area, ctx) {
    const storage = area === "user" ? ctx.user.storage : ctx.storage;
    const { keys } = await storage.list({ prefix: "heard:" });
    return Promise.all(keys.map((key) => storage.get(key)));
  },
  async tries(value, ctx) { return (await ctx.storage.list({ prefix: "tried:" })).keys.length; },
  async breakDown(value, ctx) { await ctx.storage.put("broken", value); },
  async echo(value, ctx) {
    const rounds = ((await ctx.storage.get("rounds")) ?? 0) + 1;
    await ctx.storage.put("rounds", rounds);
    try { await ctx.events.publish("echo", rounds); } catch (error) { await ctx.storage.put("end", error.code); }
  },
  async get(key, ctx) { return (await ctx.storage.get(key)) ?? null; },
} };`;

export const eventRight = (publish: string[], subscribe: string[], more: object = {}): object => ({
  name: "platform_services",
  events: { publish, subscribe, perHour: 10_000, ...more },
  reason: "to test",
});

export const publisher = (id = "acme.pub", permission: object = eventRight([`${id}/*`], [])): Uint8Array =>
  makePackage({
    id,
    code: PUBLISHER,
    manifest: {
      contributes: {
        actions: { publish: any, pure: { ...any, effect: "pure" } },
        events: {
          said: { payload: { type: "string" } },
          kept: { payload: true, delivery: "durable" },
        },
      },
      permissions: [permission],
    },
  });

export const subscriber = (
  id = "acme.sub",
  topics = ["acme.pub/said", "acme.pub/kept"],
  more: object = {},
): Uint8Array =>
  makePackage({
    id,
    code: SUBSCRIBER,
    manifest: {
      contributes: {
        actions: { hear: any, heard: any, tries: any, breakDown: any, echo: any, get: any },
        events: { echo: { payload: true, delivery: "durable" } },
        subscriptions: Object.fromEntries(
          topics.map((topic) => [topic, { action: topic.endsWith("/echo") ? "echo" : "hear" }]),
        ),
      },
      permissions: [eventRight([`${id}/*`], topics, more)],
    },
  });
