import assert from "node:assert/strict";
import test from "node:test";

import { conflicts, freeTime } from "../src/busy-time.ts";
import { readCalendar, readWindow } from "../src/read-calendar.ts";
import { writeCalendar } from "../src/write-calendar.ts";

const BERLIN = [
  "BEGIN:VTIMEZONE",
  "TZID:Europe/Berlin",
  "BEGIN:DAYLIGHT",
  "DTSTART:19700329T020000",
  "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
  "TZOFFSETFROM:+0100",
  "TZOFFSETTO:+0200",
  "END:DAYLIGHT",
  "BEGIN:STANDARD",
  "DTSTART:19701025T030000",
  "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
  "TZOFFSETFROM:+0200",
  "TZOFFSETTO:+0100",
  "END:STANDARD",
  "END:VTIMEZONE",
];

const event = (...lines: string[]): string[] => ["BEGIN:VEVENT", ...lines, "END:VEVENT"];
const calendar = (...lines: string[]): string =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", ...lines, "END:VCALENDAR", ""].join("\r\n");
const march = { from: "2026-03-01T00:00:00Z", to: "2026-04-05T00:00:00Z" };
const read = (ics: string) => readCalendar(ics, readWindow(march));

test("a weekly event keeps its hour on the wall when summer time begins", () => {
  const ics = calendar(
    ...BERLIN,
    ...event(
      "UID:a",
      "SUMMARY:Choir",
      "DTSTART;TZID=Europe/Berlin:20260320T190000",
      "DURATION:PT1H",
      "RRULE:FREQ=WEEKLY;COUNT=3",
    ),
  );
  const { events, warnings } = read(ics);
  assert.deepEqual(
    events.map(({ from }) => from),
    ["2026-03-20T18:00:00Z", "2026-03-27T18:00:00Z", "2026-04-03T17:00:00Z"],
  );
  assert.deepEqual(warnings, []);
});

test("an occurrence that was moved or taken out is moved or gone", () => {
  const ics = calendar(
    ...event(
      "UID:a",
      "SUMMARY:Daily",
      "DTSTART:20260302T090000Z",
      "DTEND:20260302T091500Z",
      "RRULE:FREQ=DAILY;COUNT=4",
      "EXDATE:20260303T090000Z",
    ),
    ...event(
      "UID:a",
      "SUMMARY:Moved",
      "RECURRENCE-ID:20260304T090000Z",
      "DTSTART:20260304T140000Z",
      "DTEND:20260304T141500Z",
    ),
  );
  assert.deepEqual(
    read(ics).events.map(({ from, title }) => [from, title]),
    [
      ["2026-03-02T09:00:00Z", "Daily"],
      ["2026-03-04T14:00:00Z", "Moved"],
      ["2026-03-05T09:00:00Z", "Daily"],
    ],
  );
});

test("whole days, cancelled and transparent events are told apart", () => {
  const ics = calendar(
    ...event("UID:d", "SUMMARY:Day", "DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260311", "TRANSP:TRANSPARENT"),
    ...event("UID:c", "SUMMARY:Off", "DTSTART:20260311T090000Z", "DTEND:20260311T100000Z", "STATUS:CANCELLED"),
    ...event("UID:t", "SUMMARY:Maybe", "DTSTART:20260312T090000Z", "DTEND:20260312T100000Z", "STATUS:TENTATIVE"),
  );
  assert.deepEqual(
    read(ics).events.map(({ uid, isAllDay, isBusy, status }) => [uid, isAllDay, isBusy, status]),
    [
      ["d", true, false, "confirmed"],
      ["c", false, false, "cancelled"],
      ["t", false, true, "tentative"],
    ],
  );
});

test("a zone that the file does not define is told, not guessed", () => {
  const { events, warnings } = read(
    calendar(...event("UID:a", "DTSTART;TZID=Mars/Base:20260302T090000", "DURATION:PT5M")),
  );
  assert.equal(events[0]?.from, "2026-03-02T09:00:00Z");
  assert.match(warnings.join(), /does not define the time zone Mars\/Base/);
});

test("free time is what busy events leave within the hours of the day", () => {
  const ics = calendar(
    ...event("UID:a", "DTSTART:20260302T080000Z", "DTEND:20260302T103000Z"),
    ...event("UID:b", "DTSTART:20260302T100000Z", "DTEND:20260302T110000Z"),
    ...event("UID:c", "DTSTART:20260302T113000Z", "DTEND:20260302T113500Z"),
  );
  const window = { from: "2026-03-02T00:00:00Z", to: "2026-03-03T00:00:00Z" };
  assert.deepEqual(
    freeTime({ ics, ...window, minutes: 30, dayStart: "09:00", dayEnd: "13:00" }).slots.map(({ from, minutes }) => [
      from,
      minutes,
    ]),
    [
      ["2026-03-02T11:00:00Z", 30],
      ["2026-03-02T11:35:00Z", 85],
    ],
  );
  assert.throws(() => freeTime({ ics, ...window, minutes: 30, dayStart: "13:00", dayEnd: "09:00" }), /not after/);
  assert.deepEqual(
    conflicts({ ics, ...window }).conflicts.map(({ first, second, minutes }) => [first.uid, second.uid, minutes]),
    [["a", "b", 30]],
  );
});

test("what is written is read back, whatever the title holds", () => {
  const title = "Commas, semicolons; line\nbreaks, \\ and BEGIN:VEVENT";
  const { ics } = writeCalendar({
    now: "2026-01-01T00:00:00Z",
    events: [
      { uid: "x", title, from: "2026-03-02T09:00:00Z", to: "2026-03-02T10:00:00Z", rule: "FREQ=WEEKLY;COUNT=2" },
    ],
  });
  assert.deepEqual(
    read(ics).events.map((each) => [each.title, each.from]),
    [
      [title, "2026-03-02T09:00:00Z"],
      [title, "2026-03-09T09:00:00Z"],
    ],
  );
});

test("what is no calendar, an endless rule and a broken event do no harm", () => {
  assert.throws(() => read("hello"), /no iCalendar file/);
  assert.throws(() => readWindow({ from: march.to, to: march.from }), /not after/);
  const endless = calendar(...event("UID:s", "DTSTART:19700101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"));
  assert.match(read(endless).warnings.join(), /repeats too often/);
  const broken = calendar(...event("UID:n", "SUMMARY:no start"), ...event("UID:y", "DTSTART:20260302T090000Z"));
  const { events, warnings } = read(broken);
  assert.deepEqual([events.map(({ uid }) => uid), warnings.length], [["y"], 1]);
});
