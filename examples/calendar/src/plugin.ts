import { definePlugin } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { conflicts, freeTime } from "./busy-time.ts";
import { readCalendar, readWindow } from "./read-calendar.ts";
import { writeCalendar } from "./write-calendar.ts";

export default definePlugin<Plugin>({
  actions: {
    events: ({ ics, from, to }) => readCalendar(ics, readWindow({ from, to })),
    free_time: (input) => freeTime(input),
    conflicts: (input) => conflicts(input),
    write: (input) => writeCalendar(input),
  },
});
