import type { SyntaxCheck } from "../rule.ts";
import type { CallFact, Circumstance, Facts } from "./facts.ts";
import { effectOf, type SinkKind } from "./effects.ts";
import { commandOf } from "./transfers.ts";
import { topicsOf } from "./topics.ts";
import { alternatives, type Value } from "./value.ts";

/** The calls of a file that hand data to a sink of this kind. */
export function callsInto(facts: Facts, sink: SinkKind): CallFact[] {
  return facts.calls.filter((call) => effectOf(call.ref)?.sink === sink);
}

/** Everything that a value may be, as text. */
export function textsOf(value: Value | undefined): readonly string[] {
  return value === undefined ? [] : alternatives(value).flatMap((one) => (one.shape === undefined ? [] : [one.shape]));
}

/** The topics of a value, of its members and of its alternatives; of at most 200 of them. */
export function topicsOfValue(value: Value | undefined): number {
  return value === undefined ? 0 : topicsWithin(value, 3, { left: 200 });
}

function topicsWithin(value: Value, depth: number, budget: { left: number }): number {
  let topics = 0;
  for (const text of textsOf(value)) topics |= topicsOf(text);
  if (depth === 0) return topics;
  for (const inner of [...(value.items?.slice(0, 64) ?? []), ...(value.props?.values() ?? [])]) {
    if ((budget.left -= 1) < 0) return topics;
    topics |= topicsWithin(inner, depth - 1, budget);
  }
  return topics;
}

/** The topics of a command and its arguments, together and apart. */
export function commandTopics(call: CallFact): number {
  let topics = topicsOf(commandOf(call.args));
  for (const arg of call.args.slice(0, 3)) topics |= topicsOfValue(arg);
  return topics;
}

/** Whether an option of a call is set to one of these. */
export function hasOption(call: CallFact, name: string, test: (value: Value) => boolean): boolean {
  return call.args.some((arg) => {
    const option = arg.props?.get(name);
    return option !== undefined && test(option);
  });
}

/** Paths that a writing call writes to. */
export function writtenPath(call: CallFact): Value | undefined {
  const takesTarget = /(?:copy|rename|link|move|cp)[A-Za-z]*$/u.test(call.ref);
  return takesTarget ? call.args[1] : call.args[0];
}

/** What a writing call writes. */
export function writtenContent(call: CallFact): Value | undefined {
  return /(?:copy|rename|link|move|cp)[A-Za-z]*$/u.test(call.ref) ? call.args[0] : call.args[1];
}

/** Work that an attacker would want to happen only on the right machine or at the right time. */
export interface Payload {
  readonly start: number;
  readonly end: number;
  readonly what: string;
  /** Whether it is harmful whatever the circumstances. */
  readonly isGrave: boolean;
  readonly when: Circumstance;
}

/** The payloads of a file: code from text, remote modules, commands, deletions, transfers to fixed addresses. */
export function payloadsOf(check: SyntaxCheck): Payload[] {
  const payloads: Payload[] = [];
  for (const one of check.compilations) {
    const isPlain = one.code.isConstant && one.tags === 0;
    payloads.push({ start: one.start, end: one.end, what: "runs code", isGrave: !isPlain, when: one.when });
  }
  for (const load of check.facts.loads) {
    if (load.isStatic) continue;
    const texts = textsOf(load.specifier);
    if (texts.some((text) => /^(?:https?:|data:|\/\/)/u.test(text)))
      payloads.push({ start: load.start, end: load.end, what: "loads remote code", isGrave: true, when: load.when });
    else if (load.specifier.made !== 0 && load.specifier.isConstant)
      payloads.push({
        start: load.start,
        end: load.end,
        what: "loads a hidden module",
        isGrave: true,
        when: load.when,
      });
  }
  for (const call of check.facts.calls) {
    const sink = effectOf(call.ref)?.sink;
    if (sink === "run")
      payloads.push({ start: call.start, end: call.end, what: "runs a command", isGrave: false, when: call.when });
    else if (sink === "remove")
      payloads.push({ start: call.start, end: call.end, what: "deletes files", isGrave: false, when: call.when });
    else if (sink === "write" && /writeFile|outputFile|truncate|rename|createWriteStream/u.test(call.ref))
      payloads.push({ start: call.start, end: call.end, what: "overwrites files", isGrave: false, when: call.when });
  }
  for (const transfer of check.transfers) {
    if (transfer.isFixed && /^(?:https?|wss?):|^\/\//u.test(transfer.url ?? ""))
      payloads.push({
        start: transfer.start,
        end: transfer.end,
        what: "contacts a fixed address",
        isGrave: false,
        when: transfer.when,
      });
  }
  return payloads;
}

/** Source of the conditions around a place, innermost first. */
export function testsAround(check: SyntaxCheck, when: Circumstance): string {
  let text = "";
  for (let at: Circumstance | undefined = when; at !== undefined && text.length < 2000; at = at.outer) {
    if (at.testStart >= 0) text += `${check.source(at.testStart, at.testEnd)}\n`;
  }
  return text;
}
