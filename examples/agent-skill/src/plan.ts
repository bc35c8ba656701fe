import { analyzeTask, areasOf } from "./analyze.ts";
import type { Plugin } from "./berth.gen.js";
import { extractRequirements } from "./requirements.ts";
import { cut } from "./sentences.ts";

type Plan = Plugin["actions"]["suggest_plan"]["output"];
type Step = Plan["steps"][number];

const DEFAULT_STEPS = 20;
const ORDER = { must: 0, should: 1, unstated: 2, may: 3 } as const;

/** Steps in an order that respects what depends on what: clear up, prepare, do by priority, check, hand over. */
export function suggestPlan(task: string, maxSteps: number = DEFAULT_STEPS): Plan {
  const { kind, questions, risks } = analyzeTask(task);
  const demands = extractRequirements(task).toSorted((a, b) => ORDER[a.priority] - ORDER[b.priority]);
  const steps: Step[] = [];
  const add = (title: string, because: string, dependsOn: readonly string[]): string => {
    const id = `S${steps.length + 1}`;
    steps.push({ id, title: cut(title, 400), because: cut(because, 400), dependsOn: [...dependsOn] });
    return id;
  };
  const ground: string[] = [];
  if (questions.length > 0) ground.push(add("Answer the open questions", `${questions.length} things are unclear`, []));
  if (kind === "fix")
    ground.push(add("Reproduce the fault in a test", "a fault that cannot be shown cannot be seen to be gone", ground));
  else if (kind === "change" || kind === "operate")
    ground.push(add("Write down how it behaves today", "what must stay is easily lost in a change", ground));
  if (risks.length > 0) ground.push(add("Make a way back", risks[0] ?? "", ground.slice(-1)));
  // Two steps are kept for the end.
  const room = Math.max(1, maxSteps - steps.length - 2);
  const chosen = demands.slice(0, room);
  const work = chosen.map(({ id, text, priority }) => add(text, `${id}, priority ${priority}`, ground.slice(-1)));
  if (work.length === 0)
    work.push(
      add("Do the work in the smallest piece that somebody can use", "no requirement is stated", ground.slice(-1)),
    );
  const areas = areasOf(task);
  const check = add(
    chosen.length === 0 ? "Check the result" : `Check ${chosen.map(({ id }) => id).join(", ")} one by one`,
    areas.length === 0 ? "done is what somebody saw" : `it touches ${areas.join(", ")}`,
    work.slice(-50),
  );
  add("Hand over: what was done, what was left out", "the next reader knows only what is written", [check]);
  return { steps, openQuestions: questions, leftOut: demands.length - chosen.length };
}
