import { definePlugin } from "@berth/sdk";

import { analyzeTask, estimateComplexity } from "./analyze.ts";
import type { Plugin } from "./berth.gen.js";
import { History } from "./history.ts";
import { suggestPlan } from "./plan.ts";
import { extractRequirements } from "./requirements.ts";

export default definePlugin<Plugin>({
  actions: {
    async analyze_task({ task }, ctx) {
      const analysis = analyzeTask(task);
      const result = `${analysis.kind}, ${analysis.complexity}, ${analysis.questions.length} questions`;
      await (await History.open(ctx)).note(ctx.action, task, result);
      return analysis;
    },
    async estimate_complexity({ task }, ctx) {
      const estimate = estimateComplexity(task);
      await (await History.open(ctx)).note(ctx.action, task, `${estimate.points} points, ${estimate.level}`);
      return estimate;
    },
    async extract_requirements({ text }, ctx) {
      const requirements = extractRequirements(text);
      await (await History.open(ctx)).note(ctx.action, text, `${requirements.length} requirements`);
      return { requirements };
    },
    async suggest_plan({ task, maxSteps }, ctx) {
      const plan = suggestPlan(task, maxSteps);
      await (await History.open(ctx)).note(ctx.action, task, `${plan.steps.length} steps`);
      return plan;
    },
    history: async (input, ctx) => (await History.open(ctx)).read(input),
    forget: async (_input, ctx) => ({ erased: await (await History.open(ctx)).forget() }),
  },
});
