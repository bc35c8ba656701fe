/** Taken before any code of the plugin can replace them. */
const { stringify } = JSON;
const { isFinite } = Number;

const MAX_MESSAGE_LENGTH = 200;

/** A report of `ctx.progress` as it crosses. @throws TypeError for what is none */
export function formatProgress(report: unknown): string {
  if (typeof report !== "object" || report === null)
    throw new TypeError("ctx.progress takes an object with done, total or message");
  const { done, total, message } = report as Record<string, unknown>;
  return stringify({
    done: amountOf("done", done),
    total: amountOf("total", total),
    message: message === undefined ? undefined : cut(message),
  });
}

function amountOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !isFinite(value) || value < 0)
    throw new TypeError(`ctx.progress takes a number of 0 or more as ${name}`);
  return value;
}

function cut(message: unknown): string {
  if (typeof message !== "string") throw new TypeError("ctx.progress takes a text as message");
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message;
}
