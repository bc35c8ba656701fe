import { definePlugin } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { csvToJson, inspect, jsonToCsv } from "./convert.ts";

export default definePlugin<Plugin>({
  actions: {
    csv_to_json: (input) => csvToJson(input),
    json_to_csv: (input) => jsonToCsv(input),
    inspect: (input) => inspect(input),
  },
});
