import { definePlugin } from "@berth/sdk";

import { aggregate } from "./aggregate.ts";
import type { Plugin } from "./berth.gen.js";
import { filter } from "./filter.ts";
import { normalize } from "./normalize.ts";
import { transform } from "./transform.ts";

export default definePlugin<Plugin>({
  actions: {
    transform: (input) => transform(input),
    filter: (input) => filter(input),
    aggregate: (input) => aggregate(input),
    normalize: (input) => normalize(input),
  },
});
