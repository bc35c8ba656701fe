import type { Plugin } from "./berth.gen.js";
import { formatInstant, readCalendar, readWindow } from "./read-calendar.ts";
import type { CalendarEvent, Window } from "./read-calendar.ts";

type Actions = Plugin["actions"];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_CONFLICTS = 10_000;

/** Gaps between busy events, within the hours of each day where they are given. */
export function freeTime(input: Actions["free_time"]["input"]): Actions["free_time"]["output"] {
  const window = readWindow(input);
  const { events, warnings } = readCalendar(input.ics, window);
  const busy = events.filter(({ isBusy }) => isBusy).map(spanOf);
  const slots: Actions["free_time"]["output"]["slots"] = [];
  for (const { start, end } of hoursOf(window, input.dayStart, input.dayEnd)) {
    let free = start;
    for (const event of busy) {
      if (event.end <= free || event.start >= end) continue;
      push(slots, free, Math.min(event.start, end), input.minutes);
      free = Math.max(free, event.end);
    }
    push(slots, free, end, input.minutes);
  }
  return { slots, warnings };
}

/** Pairs of busy events that overlap, with the minutes they share. */
export function conflicts(input: Actions["conflicts"]["input"]): Actions["conflicts"]["output"] {
  const { events, warnings } = readCalendar(input.ics, readWindow(input));
  const busy = events.filter(({ isBusy, isAllDay }) => isBusy && !isAllDay);
  const found: Actions["conflicts"]["output"]["conflicts"] = [];
  let open: CalendarEvent[] = [];
  for (const second of busy) {
    const { start, end } = spanOf(second);
    open = open.filter((event) => spanOf(event).end > start);
    for (const first of open) {
      const minutes = Math.round((Math.min(spanOf(first).end, end) - start) / MINUTE_MS);
      if (minutes > 0 && found.length < MAX_CONFLICTS) found.push({ first, second, minutes });
    }
    open.push(second);
  }
  return { conflicts: found, warnings };
}

const spanOf = ({ from, to }: CalendarEvent): Window => ({ start: Date.parse(from), end: Date.parse(to) });

function push(slots: Actions["free_time"]["output"]["slots"], start: number, end: number, atLeast: number): void {
  const minutes = Math.floor((end - start) / MINUTE_MS);
  if (minutes >= atLeast) slots.push({ from: formatInstant(start), to: formatInstant(end), minutes });
}

/** The window itself, or its part of each day. */
function hoursOf(window: Window, dayStart?: string, dayEnd?: string): Window[] {
  if (dayStart === undefined && dayEnd === undefined) return [window];
  const opens = offsetOf(dayStart ?? "00:00");
  const closes = offsetOf(dayEnd ?? "24:00");
  if (closes <= opens)
    throw new Error(`the day ends at ${dayEnd ?? "24:00"}, which is not after ${dayStart ?? "00:00"}`);
  const parts: Window[] = [];
  for (let day = Math.floor(window.start / DAY_MS) * DAY_MS; day < window.end; day += DAY_MS) {
    const start = Math.max(window.start, day + opens);
    const end = Math.min(window.end, day + closes);
    if (end > start) parts.push({ start, end });
  }
  return parts;
}

function offsetOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  const offset = (hours * 60 + minutes) * MINUTE_MS;
  if (minutes > 59 || offset > DAY_MS) throw new Error(`${time} is no time of day`);
  return offset;
}
