import { definePlugin } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { fetchLatest } from "./releases.ts";
import type { Release } from "./releases.ts";
import { Watched } from "./watched.ts";

export default definePlugin<Plugin>({
  actions: {
    async watch({ repository }, { storage }) {
      const watched = new Watched(storage);
      await watched.add(repository);
      return { repositories: await watched.names() };
    },

    async unwatch({ repository }, { storage }) {
      const watched = new Watched(storage);
      await watched.remove(repository);
      return { repositories: await watched.names() };
    },

    async check(_input, ctx) {
      const { url } = (await ctx.config.get()) as { url: string };
      const watched = new Watched(ctx.storage);
      const names = await watched.names();
      const released: Release[] = [];
      const problems: { repository: string; message: string }[] = [];
      for (const repository of names) {
        try {
          const latest = await fetchLatest(ctx, url, repository);
          const seen = await watched.tagOf(repository);
          if (latest === undefined || latest.tag === seen) continue;
          if (seen !== null) {
            // The key: a check that is interrupted before it has noted the tag tells nobody twice.
            await ctx.events.publish("released", latest, { key: `${repository} ${latest.tag}`.slice(0, 200) });
            released.push(latest);
          }
          await watched.note(repository, latest.tag);
        } catch (error) {
          problems.push({ repository, message: String(error).slice(0, 400) });
        }
      }
      return { checked: names.length, released, problems };
    },
  },
});
