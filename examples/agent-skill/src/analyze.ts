import type { Plugin } from "./berth.gen.js";
import { extractRequirements } from "./requirements.ts";
import { cut, hasWord, sentencesOf, wordsIn } from "./sentences.ts";

type Analysis = Plugin["actions"]["analyze_task"]["output"];
type Estimate = Plugin["actions"]["estimate_complexity"]["output"];
type Factor = Estimate["factors"][number];

const KINDS: readonly (readonly [Analysis["kind"], readonly string[]])[] = [
  ["fix", ["fix", "repair", "debug", "resolve", "bug", "crash", "crashes", "broken", "regression"]],
  ["change", ["change", "refactor", "migrate", "rename", "upgrade", "update", "improve", "extend", "move", "replace"]],
  ["research", ["research", "compare", "evaluate", "investigate", "find out", "analyse", "analyze", "measure"]],
  ["write", ["write a", "draft", "summarize", "summarise", "translate", "describe", "document", "explain"]],
  ["operate", ["deploy", "install", "configure", "monitor", "restart", "back up", "restore", "schedule"]],
  ["build", ["build", "create", "implement", "add", "develop", "design", "make", "write"]],
];

/** What a task touches, by the words that people use for it. */
const AREAS: readonly (readonly [string, readonly string[]])[] = [
  ["database", ["database", "sql", "table", "tables", "migration", "schema", "query", "index", "postgres", "sqlite"]],
  [
    "network",
    ["api", "http", "https", "webhook", "endpoint", "request", "requests", "server", "client", "download", "upload"],
  ],
  ["user interface", ["page", "screen", "button", "form", "dashboard", "ui", "frontend", "layout", "browser"]],
  ["files", ["file", "files", "folder", "csv", "json", "pdf", "spreadsheet", "import", "export", "backup"]],
  [
    "accounts and rights",
    ["login", "password", "user", "users", "role", "roles", "permission", "permissions", "token", "oauth"],
  ],
  ["money", ["payment", "payments", "invoice", "price", "billing", "refund", "subscription"]],
  ["personal data", ["email", "address", "name", "personal", "gdpr", "health", "customer", "customers"]],
  ["machine learning", ["model", "models", "training", "llm", "embedding", "prompt", "classifier"]],
  ["time", ["schedule", "deadline", "calendar", "timezone", "cron", "daily", "weekly"]],
];

const IRREVERSIBLE = ["delete", "deletes", "drop", "erase", "overwrite", "purge", "production", "migrate", "migration"];
const UNCERTAIN = [
  "maybe",
  "perhaps",
  "somehow",
  "probably",
  "not sure",
  "unclear",
  "tbd",
  "to be decided",
  "or something",
  "etc",
];

/** What kind of work a task is, what it touches, what is unclear and what could go wrong. */
export function analyzeTask(task: string): Analysis {
  const requirements = extractRequirements(task);
  const touches = areasOf(task);
  const vague = requirements.filter(({ vagueWords }) => vagueWords.length > 0);
  const asked = sentencesOf(task).filter(({ text }) => text.endsWith("?"));
  const questions = [
    ...asked.map(({ text }) => cut(text, 400)),
    ...vague.map(
      ({ id, vagueWords }) => `What exactly does ${vagueWords.map((word) => `"${word}"`).join(" and ")} mean in ${id}?`,
    ),
    ...(requirements.length === 0 ? ["By what would one see that the task is done?"] : []),
    ...(hasWord(task, ["deadline", "by", "until", "before", "today", "tomorrow"]) ? [] : ["By when is it needed?"]),
  ];
  const risks = [
    ...wordsIn(task, IRREVERSIBLE).map((word) => `"${word}" may not be undone: keep a copy, and try it on one first.`),
    ...(touches.includes("money") ? ["Mistakes with money are found late: check sums against a second source."] : []),
    ...(touches.includes("personal data") ? ["Personal data: take only what is needed, and see who may read it."] : []),
    ...(touches.includes("accounts and rights") ? ["Rights: test that what should be refused is refused."] : []),
  ];
  return {
    kind: KINDS.find(([, words]) => hasWord(task, words))?.[0] ?? "other",
    subject: cut(sentencesOf(task)[0]?.text ?? task.trim(), 400),
    touches,
    questions: [...new Set(questions)].slice(0, 20).map((question) => cut(question, 400)),
    risks: risks.slice(0, 20),
    requirements: requirements.length,
    complexity: estimateComplexity(task).level,
  };
}

/** The areas that a task touches. */
export function areasOf(task: string): string[] {
  return AREAS.filter(([, words]) => hasWord(task, words)).map(([area]) => area);
}

/**
 * Points from what can be counted in the text. The bounds are rules of thumb, not measurements: they put
 * tasks in an order, and the hours say how far apart the ends of that order are.
 */
export function estimateComplexity(task: string): Estimate {
  const words = task.split(/\s+/).filter(Boolean).length;
  const requirements = extractRequirements(task);
  const areas = areasOf(task);
  const data = areas.filter((area) => ["database", "files", "machine learning"].includes(area));
  const guarded = areas.filter((area) => ["money", "personal data", "accounts and rights"].includes(area));
  const dangers = wordsIn(task, IRREVERSIBLE);
  const doubts = [...wordsIn(task, UNCERTAIN), ...requirements.flatMap(({ vagueWords }) => vagueWords)];
  const factors: Factor[] = [
    { name: "size", points: Math.min(15, Math.floor(words / 20)), because: `${words} words` },
    {
      name: "requirements",
      points: Math.min(30, requirements.length * 3),
      because: `${requirements.length} requirements`,
    },
    { name: "integrations", points: Math.min(15, areas.length * 3), because: list(areas, "touches nothing known") },
    { name: "data", points: Math.min(12, data.length * 4), because: list(data, "no data kept") },
    {
      name: "safety",
      points: Math.min(16, guarded.length * 4 + dangers.length * 2),
      because: list([...guarded, ...dangers], "nothing dangerous"),
    },
    { name: "uncertainty", points: Math.min(12, doubts.length * 2), because: list(doubts, "no vague words") },
  ];
  const points = factors.reduce((sum, factor) => sum + factor.points, 0);
  const [level, low, high] = LEVELS.find(([, , , below]) => points < below) ?? VERY_LARGE;
  return { points, level, factors, hours: { low, high } };
}

const VERY_LARGE = ["very large", 80, 400, Infinity] as const;
const LEVELS: readonly (readonly [Estimate["level"], number, number, number])[] = [
  ["small", 0.5, 4, 15],
  ["medium", 4, 16, 35],
  ["large", 16, 80, 60],
  VERY_LARGE,
];

const list = (items: readonly string[], otherwise: string): string =>
  items.length === 0 ? otherwise : cut([...new Set(items)].join(", "), 400);
