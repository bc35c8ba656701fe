import assert from "node:assert/strict";
import test from "node:test";

import { analyzeTask, estimateComplexity } from "../src/analyze.ts";
import { suggestPlan } from "../src/plan.ts";
import { extractRequirements } from "../src/requirements.ts";
import { sentencesOf } from "../src/sentences.ts";

const TASK = [
  "Build a page that shows payments. It must load in under 2 seconds for 10,000 rows.",
  "Users should be able to export CSV, e.g. for Excel. Never delete invoices in production.",
  "It should be easy to use. Which roles may see it?",
].join("\n");

test("sentences keep their line; headings, code and abbreviations do not confuse", () => {
  const text = "# Title\nOne. Two, e.g. Excel files.\n```\nmust not count\n```\n1. Item three";
  assert.deepEqual(
    sentencesOf(text).map(({ text: sentence, line, isListItem }) => [sentence, line, isListItem]),
    [
      ["One.", 2, false],
      ["Two, e.g. Excel files.", 2, false],
      ["Item three", 6, true],
    ],
  );
});

test("requirements come with kind, priority and the words that are vague", () => {
  assert.deepEqual(
    extractRequirements(TASK).map(({ id, kind, priority, isMeasurable, vagueWords }) => [
      id,
      kind,
      priority,
      isMeasurable,
      vagueWords,
    ]),
    [
      ["R1", "functional", "unstated", false, []],
      ["R2", "quality", "must", true, []],
      ["R3", "functional", "should", false, []],
      ["R4", "functional", "must", true, []],
      ["R5", "functional", "should", false, ["easy"]],
    ],
  );
  assert.deepEqual(extractRequirements("The sky is blue. Is it?"), []);
});

test("an analysis asks what is unclear and warns of what cannot be undone", () => {
  const { kind, touches, questions, risks } = analyzeTask(TASK);
  assert.equal(kind, "build");
  assert.ok(touches.includes("money") && touches.includes("files"), touches.join());
  assert.ok(questions.some((question) => question.includes('"easy"')) && questions.includes("Which roles may see it?"));
  assert.ok(risks.some((risk) => risk.startsWith('"delete"')));
  assert.equal(analyzeTask("Fix the crash when a file is empty").kind, "fix");
});

test("more to do is never estimated as less", () => {
  let before = 0;
  for (let length = 1; length <= 6; length += 1) {
    const { points, factors } = estimateComplexity(Array.from({ length }, () => TASK).join("\n"));
    assert.ok(points >= before && points <= 100, `${points} after ${before}`);
    assert.equal(
      factors.reduce((sum, factor) => sum + factor.points, 0),
      points,
    );
    before = points;
  }
  assert.equal(estimateComplexity("Rename a variable").level, "small");
});

test("a plan depends only on earlier steps, does musts first, and says what it left out", () => {
  for (const maxSteps of [3, 5, 50]) {
    const { steps, leftOut } = suggestPlan(TASK, maxSteps);
    const seen = new Set<string>();
    for (const { id, dependsOn } of steps) {
      for (const earlier of dependsOn) assert.ok(seen.has(earlier), `${id} depends on ${earlier}`);
      seen.add(id);
    }
    const work = steps.filter(({ because }) => /^R\d/.test(because));
    assert.equal(work.length + leftOut, 5);
    assert.match(work[0]?.because ?? "", /must/);
  }
});
