import ICAL from "ical.js";

import type { Plugin } from "./berth.gen.js";

type Answer = Plugin["actions"]["events"]["output"];
export type CalendarEvent = Answer["events"][number];

/** A window of time, milliseconds since 1970. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** At most so many repetitions of one event are walked through, whether they lie in the window or before it. */
const MAX_STEPS = 20_000;
const MAX_EVENTS = 10_000;
const MAX_WARNINGS = 100;
const MAX_WINDOW_MS = 10 * 366 * 86_400_000;

/** Reads a window from two instants. */
export function readWindow({ from, to }: { readonly from: string; readonly to: string }): Window {
  const window = { start: Date.parse(from), end: Date.parse(to) };
  if (Number.isNaN(window.start) || Number.isNaN(window.end))
    throw new Error(`${from} or ${to} is not a time that exists`);
  if (window.end <= window.start) throw new Error(`the window ends at ${to}, which is not after ${from}`);
  if (window.end - window.start > MAX_WINDOW_MS) throw new Error("a window may have ten years at most");
  return window;
}

/** Everything that happens in a window, in order; what cannot be read is told in a warning and left out. */
export function readCalendar(ics: string, window: Window): { events: CalendarEvent[]; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (message: string): void => {
    if (warnings.length < MAX_WARNINGS && !warnings.includes(message)) warnings.push(message.slice(0, 400));
  };
  const events: CalendarEvent[] = [];
  for (const calendar of parseCalendars(ics)) {
    const zones = new Map<string, ICAL.Timezone>();
    for (const component of calendar.getAllSubcomponents("vtimezone")) {
      const zone = new ICAL.Timezone(component);
      zones.set(zone.tzid, zone);
    }
    const components = calendar.getAllSubcomponents("vevent");
    for (const component of components) useZones(component, zones, warn);
    const series = components.filter((component) => !component.hasProperty("recurrence-id"));
    const exceptions = components.filter((component) => component.hasProperty("recurrence-id"));
    for (const component of series) {
      try {
        collect(component, exceptions, window, events, warn);
      } catch (error) {
        warn(`event ${nameOf(component)} cannot be read: ${error instanceof Error ? error.message : "unknown fault"}`);
      }
    }
  }
  if (events.length >= MAX_EVENTS) warn(`only the first ${MAX_EVENTS} events are listed`);
  events.sort((a, b) => a.from.localeCompare(b.from) || a.to.localeCompare(b.to) || a.uid.localeCompare(b.uid));
  return { events, warnings };
}

function parseCalendars(ics: string): ICAL.Component[] {
  let parsed: unknown;
  try {
    parsed = ICAL.parse(ics);
  } catch (error) {
    throw new Error(`the text is no iCalendar file: ${error instanceof Error ? error.message : "unknown fault"}`);
  }
  // One calendar comes as a component, several come as a list of them.
  const list = (Array.isArray(parsed) && typeof parsed[0] === "string" ? [parsed] : parsed) as unknown[];
  return list.map((each) => new ICAL.Component(each as unknown[]));
}

/** Gives each time the zone of this very file; a zone that the file does not define is read as UTC, and told. */
function useZones(
  component: ICAL.Component,
  zones: ReadonlyMap<string, ICAL.Timezone>,
  warn: (message: string) => void,
): void {
  for (const property of component.getAllProperties()) {
    const tzid = property.getFirstParameter("tzid");
    if (tzid === undefined) continue;
    const zone = zones.get(tzid);
    if (zone === undefined) warn(`the file does not define the time zone ${tzid}; its times are read as UTC`);
    for (const value of property.getValues())
      if (value instanceof ICAL.Time) value.zone = zone ?? ICAL.Timezone.utcTimezone;
  }
}

function collect(
  component: ICAL.Component,
  exceptions: readonly ICAL.Component[],
  window: Window,
  events: CalendarEvent[],
  warn: (message: string) => void,
): void {
  const uid = component.getFirstPropertyValue("uid");
  const event = new ICAL.Event(component, {
    strictExceptions: true,
    exceptions: exceptions.filter((exception) => exception.getFirstPropertyValue("uid") === uid),
  });
  if (!event.startDate) throw new Error("it has no start");
  if (!event.isRecurring()) {
    add(event, event.startDate, event.endDate, window, events);
    return;
  }
  const iterator = event.iterator();
  for (let step = 0; step < MAX_STEPS && events.length < MAX_EVENTS; step += 1) {
    const next = iterator.next();
    // An exception may move an occurrence to an earlier day, so the walk goes on a little past the window.
    if (!next || instantOf(next) >= window.end + EXCEPTION_REACH_MS) return;
    const { item, startDate, endDate } = event.getOccurrenceDetails(next);
    add(item, startDate, endDate, window, events);
  }
  warn(`event ${nameOf(component)} repeats too often; it is listed in part`);
}

const EXCEPTION_REACH_MS = 31 * 86_400_000;

function add(
  event: ICAL.Event,
  start: ICAL.Time,
  end: ICAL.Time,
  { start: from, end: to }: Window,
  events: CalendarEvent[],
): void {
  const startsAt = instantOf(start);
  const endsAt = Math.max(startsAt, instantOf(end));
  // An event without duration counts where it begins.
  const isInside = startsAt < to && (endsAt > from || (endsAt === startsAt && startsAt >= from));
  if (!isInside || events.length >= MAX_EVENTS) return;
  const status = statusOf(event);
  events.push({
    uid: (event.uid ?? "").slice(0, 400),
    title: (event.summary ?? "").slice(0, 2_000),
    from: formatInstant(startsAt),
    to: formatInstant(endsAt),
    isAllDay: start.isDate,
    isRecurring: event.isRecurring() || event.isRecurrenceException(),
    isBusy: status !== "cancelled" && event.component.getFirstPropertyValue("transp") !== "TRANSPARENT",
    place: (event.location ?? "").slice(0, 2_000),
    status,
  });
}

function statusOf(event: ICAL.Event): CalendarEvent["status"] {
  const status = event.component.getFirstPropertyValue("status");
  if (status === "CANCELLED") return "cancelled";
  return status === "TENTATIVE" ? "tentative" : "confirmed";
}

/** A time without a zone (a date, or a floating time) is taken as UTC. */
function instantOf(time: ICAL.Time): number {
  const isFloating = time.zone === ICAL.Timezone.localTimezone;
  if (!isFloating && !time.isDate) return time.toUnixTime() * 1_000;
  return Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
}

/** An instant as the plugin's schemas have it: UTC, whole seconds. */
export function formatInstant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function nameOf(component: ICAL.Component): string {
  return JSON.stringify(String(component.getFirstPropertyValue("uid") ?? "without a uid").slice(0, 80));
}
