import { definePlugin } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { convertFile, jsonNameOf } from "./convert-file.ts";

type Answer = Plugin["actions"]["convert"]["output"];

export default definePlugin<Plugin>({
  actions: {
    async convert(_input, ctx) {
      const { inbox, outbox } = (await ctx.config.get()) as { inbox: string; outbox: string };
      const converted: Answer["converted"][number][] = [];
      const problems: Answer["problems"][number][] = [];
      for (const { name: file, kind } of await ctx.files.list(inbox)) {
        const json = kind === "file" ? jsonNameOf(file) : undefined;
        if (json === undefined) continue;
        try {
          converted.push({ file, ...(await convertFile(ctx, `${inbox}/${file}`, `${outbox}/${json}`)) });
        } catch (error) {
          problems.push({ file, message: String(error).slice(0, 400) });
        }
      }
      return { converted, problems };
    },
  },
});
