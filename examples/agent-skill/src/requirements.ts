import type { Plugin } from "./berth.gen.js";
import { cut, hasWord, sentencesOf, wordsIn } from "./sentences.ts";
import type { Sentence } from "./sentences.ts";

export type Requirement = Plugin["actions"]["extract_requirements"]["output"]["requirements"][number];

const MAX_REQUIREMENTS = 2_000;

/** The words of RFC 2119 and of everyday speech, strongest first. */
const PRIORITIES: readonly (readonly [Requirement["priority"], readonly string[]])[] = [
  [
    "must",
    ["must", "shall", "required", "requires", "need", "needs", "has to", "have to", "never", "always", "cannot"],
  ],
  ["should", ["should", "ought to", "recommended", "expected", "want", "wants"]],
  ["may", ["may", "could", "can", "optional", "optionally", "nice to have", "ideally"]],
];
/** A list item that begins with one of these demands something even without such a word. */
const IMPERATIVES = [
  ..."add allow accept build check convert create delete deliver describe display document ensure export fix handle".split(
    " ",
  ),
  ..."implement import improve include keep let list log make migrate move prevent provide read reject remove rename".split(
    " ",
  ),
  ..."replace report return save send show sort store support test update upload use validate verify write".split(" "),
];
const QUALITIES = [
  ..."fast faster latency throughput performance secure security reliable reliability available availability usable".split(
    " ",
  ),
  ..."accessible accessibility scalable maintainable readable responsive private privacy memory cpu uptime".split(" "),
  "milliseconds",
  "seconds",
  "per second",
  "ms",
];
const CONSTRAINTS = [
  ..."only without except unless limit maximum minimum budget deadline compatible licence license offline existing".split(
    " ",
  ),
  "at most",
  "at least",
  "no more than",
  "no later than",
  "must not",
  "shall not",
  "may not",
  "cannot",
];
/** Words that two readers understand differently. */
const VAGUE = [
  ..."fast quick quickly easy easily simple simply user-friendly intuitive robust flexible efficient appropriate".split(
    " ",
  ),
  ..."adequate sufficient reasonable some several various many few soon modern nice better good clean etc".split(" "),
  "as needed",
  "if possible",
  "and so on",
];
const MEASURE = /\d|\b(?:all|every|each|none|never|always|exactly|zero|one|two|three)\b/i;

/** Sentences and list items that demand something. */
export function extractRequirements(text: string): Requirement[] {
  return sentencesOf(text)
    .flatMap((sentence) => {
      const priority = priorityOf(sentence);
      return priority === undefined ? [] : [{ sentence, priority }];
    })
    .slice(0, MAX_REQUIREMENTS)
    .map(({ sentence, priority }, index) => {
      const vagueWords = wordsIn(sentence.text, VAGUE).slice(0, 20);
      return {
        id: `R${index + 1}`,
        text: cut(sentence.text, 2_000),
        line: sentence.line,
        kind: kindOf(sentence.text),
        priority,
        isMeasurable: vagueWords.length === 0 && MEASURE.test(sentence.text),
        vagueWords,
      };
    });
}

function priorityOf({ text, isListItem }: Sentence): Requirement["priority"] | undefined {
  if (text.endsWith("?")) return undefined;
  for (const [priority, words] of PRIORITIES) if (hasWord(text, words)) return priority;
  const [first = ""] = text.toLowerCase().split(/[^a-z]+/, 1);
  const isDemand = IMPERATIVES.includes(first);
  return isDemand || (isListItem && hasWord(text, IMPERATIVES)) ? "unstated" : undefined;
}

function kindOf(text: string): Requirement["kind"] {
  if (hasWord(text, CONSTRAINTS)) return "constraint";
  return hasWord(text, QUALITIES) ? "quality" : "functional";
}
