import type { CallFact, Circumstance, Facts } from "./facts.ts";
import { effectOf } from "./effects.ts";
import { tag } from "./tags.ts";
import { deepTags, NOTHING, type Value } from "./value.ts";

/** A place where a value becomes running code. */
export interface Compilation {
  readonly start: number;
  readonly end: number;
  /** How, in words: "eval", "a worker", "a script element". */
  readonly how: string;
  readonly ref: string;
  readonly code: Value;
  readonly tags: number;
  readonly when: Circumstance;
}

/** Every place of a file (`isLarge`: of more than 20,000 characters) where text or bytes become code. */
export function compilationsOf(facts: Facts, isLarge: boolean): Compilation[] {
  const found: Compilation[] = [];
  for (const call of facts.calls) {
    const code = codeOf(call, isLarge);
    if (code === undefined) continue;
    found.push({
      start: call.start,
      end: call.end,
      how: howOf(call.ref),
      ref: call.ref,
      code,
      tags: codeTags(code),
      when: call.when,
    });
  }
  for (const load of facts.loads) {
    const { specifier } = load;
    const isData =
      specifier.ref === "#url" ||
      /^(?:data|blob):/u.test(specifier.shape ?? "") ||
      (specifier.tags & (tag.remote | tag.decoded | tag.hidden)) !== 0;
    if (load.isStatic || !isData) continue;
    found.push({
      start: load.start,
      end: load.end,
      how: "a dynamic import",
      ref: "import",
      code: specifier,
      tags: deepTags(specifier),
      when: load.when,
    });
  }
  for (const write of facts.writes) {
    if (write.ref === undefined || !/^element:(?:script|iframe|object|embed)\./u.test(write.ref)) continue;
    if (!/^(?:text|textContent|innerHTML|innerText|src|srcdoc|data)$/u.test(write.name)) continue;
    found.push({
      start: write.start,
      end: write.end,
      how: "a script element",
      ref: write.ref,
      code: write.value,
      tags: codeTags(write.value),
      when: write.when,
    });
  }
  return found;
}

/** Tags of a text; what the members of an object hold does not become code with it. */
const codeTags = (code: Value): number => (code.props === undefined ? deepTags(code) : code.tags);

function codeOf(call: CallFact, isLarge: boolean): Value | undefined {
  const { ref, args } = call;
  if (ref === "setTimeout" || ref === "setInterval" || ref === "setImmediate" || ref === "timers.setTimeout") {
    const [work] = args;
    if (work === undefined || work.fn !== undefined || (work.ref !== undefined && !work.ref.startsWith("#sender")))
      return undefined;
    // In a large program an unknown thing handed to a timer is a function, whatever else met in its name.
    const telling = tag.decoded | tag.hidden | tag.media | (isLarge ? 0 : tag.remote);
    return work.shape !== undefined || (work.tags & telling) !== 0 ? work : undefined;
  }
  const sink = effectOf(ref)?.sink;
  if (sink === "load") {
    if (/(?:^importScripts|getScript|Worker|register)$/u.test(ref)) return args[0];
    return undefined;
  }
  if (sink !== "code") return undefined;
  if (ref === "#inspector.post") return args[1]?.props?.get("expression") ?? args[1];
  if (/(?:Function|constructor)$/u.test(ref)) return args.at(-1) ?? NOTHING;
  return args[0] ?? NOTHING;
}

function howOf(ref: string): string {
  if (ref.endsWith("constructor")) return "the Function constructor";
  if (ref.includes("Worker")) return "a worker";
  if (ref === "importScripts") return "importScripts";
  if (ref.startsWith("#")) return "code evaluation";
  return ref;
}
