import { definePlugin } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { findTerms, translationOf } from "./find-terms.ts";
import { Glossary } from "./glossary.ts";
import { check, protect, restore } from "./marks.ts";

export default definePlugin<Plugin>({
  actions: {
    put_terms: ({ terms, ...pair }, ctx) => new Glossary(ctx.storage, pair).put(terms),
    remove_terms: async ({ sources, ...pair }, ctx) => ({
      removed: await new Glossary(ctx.storage, pair).remove(sources),
    }),
    list_terms: ({ from, to, ...options }, ctx) => new Glossary(ctx.storage, { from, to }).list(options),
    async find_terms({ text, ...pair }, ctx) {
      const hits = findTerms(text, await new Glossary(ctx.storage, pair).all());
      return {
        hits: hits.map((hit) => ({
          start: hit.start,
          end: hit.end,
          found: hit.found,
          target: translationOf(hit),
          ...(hit.term.note !== undefined && { note: hit.term.note }),
        })),
      };
    },
    protect: async ({ text, ...pair }, ctx) => protect(text, await new Glossary(ctx.storage, pair).all()),
    restore: (input) => restore(input),
    check: async ({ source, translation, ...pair }, ctx) =>
      check(source, translation, await new Glossary(ctx.storage, pair).all()),
  },
});
