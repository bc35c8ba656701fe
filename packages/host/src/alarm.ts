/** Wakes at an instant, or later; answers with what cancels it. */
export type SetAlarm = (at: Date, wake: () => void) => () => void;

/** The longest that one timer of Node takes, ms. */
const MAX_TIMER_MS = 2_147_483_647;

/** Alarms by Node's timers. They keep no program running. */
export function makeTimerAlarm(now: () => Date): SetAlarm {
  return (at, wake) => {
    const waitMs = Math.min(Math.max(at.getTime() - now().getTime(), 0), MAX_TIMER_MS);
    const timer = setTimeout(wake, waitMs);
    timer.unref();
    return () => clearTimeout(timer);
  };
}
