import { tag } from "./tags.ts";

/** What an event tells its listener. */
export function eventTags(event: string): number {
  if (/^key(?:down|up|press)$/u.test(event)) return tag.keystroke;
  if (/^(?:paste|copy|cut)$/u.test(event)) return tag.clipboard;
  if (/^(?:input|change|submit|blur|focusout|beforeinput)$/u.test(event)) return tag.form;
  if (event === "message" || event === "data") return tag.remote;
  return 0;
}
