import ICAL from "ical.js";

import type { Plugin } from "./berth.gen.js";
import { readWindow } from "./read-calendar.ts";

type Actions = Plugin["actions"]["write"];

/** An iCalendar file. The same events give the same text: `now` is the stamp that every event carries. */
export function writeCalendar({ name, now, events }: Actions["input"]): Actions["output"] {
  const calendar = new ICAL.Component("vcalendar");
  calendar.addPropertyWithValue("version", "2.0");
  calendar.addPropertyWithValue("prodid", "-//Berth//Calendar reader//EN");
  if (name !== undefined) calendar.addPropertyWithValue("x-wr-calname", name);
  const uids = new Set<string>();
  for (const { uid, title, from, to, place, rule } of events) {
    if (uids.has(uid)) throw new Error(`two events have the uid ${JSON.stringify(uid.slice(0, 80))}`);
    uids.add(uid);
    readWindow({ from, to });
    const event = new ICAL.Component("vevent");
    event.addPropertyWithValue("uid", uid);
    event.addPropertyWithValue("dtstamp", timeOf(now));
    event.addPropertyWithValue("dtstart", timeOf(from));
    event.addPropertyWithValue("dtend", timeOf(to));
    event.addPropertyWithValue("summary", title);
    if (place !== undefined) event.addPropertyWithValue("location", place);
    if (rule !== undefined) event.addPropertyWithValue("rrule", ruleOf(rule));
    calendar.addSubcomponent(event);
  }
  return { ics: `${calendar.toString()}\r\n` };
}

const timeOf = (instant: string): ICAL.Time => ICAL.Time.fromDateTimeString(instant);

function ruleOf(rule: string): ICAL.Recur {
  try {
    return ICAL.Recur.fromString(rule);
  } catch (error) {
    throw new Error(
      `${JSON.stringify(rule)} is no recurrence rule: ${error instanceof Error ? error.message : "unknown fault"}`,
    );
  }
}
