import type { Node } from "oxc-parser";
import type { Rule, SyntaxCheck } from "../rule.ts";
import type { Circumstance } from "../syntax/facts.ts";
import { commandTopics, callsInto, payloadsOf, testsAround, textsOf } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

interface Sign {
  readonly at: number;
  readonly what: string;
  /** 2: enough by itself; 1: only together with another. */
  readonly weight: number;
}

const LARGE = 20_000;

/** The clock is read right before and right after: how long the stop took tells whether somebody looks. */
const MEASURED =
  /(?:\bnow\(\)|new Date|hrtime(?:\.bigint)?\(\))[^]{0,80}\bdebugger\b[^]{0,120}(?:\bnow\(\)|new Date|hrtime(?:\.bigint)?\()/u;

export const resistsAnalysis: Rule = {
  id: "resists-analysis",
  class: "evasion",
  severity: "high",
  finds:
    "Noticing debuggers, developer tools, automation, virtual machines or scanners, and behaving differently or defending itself.",
  remedy: "Remove it; honest code does not mind being watched.",
  nodes: {
    DebuggerStatement(node, check, when) {
      const around = check.file.text.slice(Math.max(0, node.start - 300), node.end + 300);
      const isTrap = when.loops > 0 || when.delayMs > 0 || when.fn !== undefined || MEASURED.test(around);
      if (!isTrap) return;
      const isTimed = /setInterval|performance\.now|Date\.now|new Date|while\s*\(|for\s*\(/u.test(around);
      if (isTimed)
        check.report(
          node.start,
          "A debugger statement stands in a timer, a loop or between two time measurements: it traps or detects whoever looks.",
          { severity: "medium", end: node.end },
        );
    },
  },
  syntax(check) {
    const signs = signsOf(check);
    const [first] = signs;
    if (first === undefined) return;
    const weights = new Map<string, number>();
    for (const sign of signs) weights.set(sign.what, Math.max(sign.weight, weights.get(sign.what) ?? 0));
    const weight = [...weights.values()].reduce((sum, one) => sum + one, 0);
    const guarded = payloadsOf(check).find((payload) => isWatched(check, payload.when));
    if (guarded !== undefined && (guarded.isGrave || weight >= 1)) {
      const isWeak = !guarded.isGrave && weight < 2;
      check.report(guarded.start, `This ${guarded.what}, but only when it is not being watched (${first.what}).`, {
        severity: isWeak ? "medium" : "high",
        // In a large program a question about the machine and a command near it are seldom one plan.
        confidence: !guarded.isGrave && check.file.text.length > LARGE ? "low" : "high",
        end: guarded.end,
      });
    } else if (weight >= 2) {
      check.report(
        first.at,
        `This looks for ${[...new Set(signs.map((sign) => sign.what))].slice(0, 3).join(" and for ")}.`,
        {
          severity: signs.some((sign) => hasConsequence(check, sign.at)) ? "medium" : "low",
          confidence: check.file.text.length > 60_000 && weight < 4 ? "low" : "high",
        },
      );
    }
  },
};

/** Whether a condition around this place asks who is watching, by a fact or by the names of their tools. */
const isWatched = (check: SyntaxCheck, when: Circumstance): boolean =>
  (when.guards & tag.watcher) !== 0 || (topicsOf(testsAround(check, when)) & topic.detects) !== 0;

/** Whether the program ends, breaks itself or runs something near this place; telling a reader is no defence. */
const hasConsequence = (check: SyntaxCheck, at: number): boolean =>
  /\bprocess\.(?:exit|kill|abort)|\breturn\s*[;}]|\bthrow\b|\blocation(?:\.\w+)?\s*=|\.remove\(|innerHTML\s*=|\bclose\(|\bdebugger\b|\bimport\(|\beval\(|\bFunction\(|\bsetInterval\(|console(?:\.\w+|\[\w+\])\s*=/u.test(
    check.file.text.slice(Math.max(0, at - 300), at + 400),
  );

function signsOf(check: SyntaxCheck): Sign[] {
  const signs: Sign[] = [];
  const { facts } = check;
  const inCondition = (start: number): boolean =>
    facts.conditions.some((condition) => condition.start <= start && start <= condition.end);
  for (const read of facts.reads) {
    if (read.ref === "navigator.webdriver") signs.push({ at: read.start, what: "browser automation", weight: 1 });
    else if (read.ref === "process.execArgv" && /inspect|debug/u.test(check.source(read.start, read.end + 120)))
      signs.push({ at: read.start, what: "a debugger", weight: check.file.text.length < 3000 ? 2 : 1 });
    else if (read.ref === "process.debugPort") signs.push({ at: read.start, what: "a debugger", weight: 1 });
  }
  for (const call of facts.calls) {
    if (call.ref === "inspector.url") signs.push({ at: call.start, what: "a debugger", weight: 2 });
    else if (
      /^os\.(?:totalmem|cpus|uptime|loadavg)$/u.test(call.ref) &&
      facts.conditions.some((condition) => (condition.tags & tag.watcher) !== 0) &&
      (inCondition(call.start) || check.file.text.length < 4000)
    ) {
      signs.push({ at: call.start, what: "a machine too small or too fresh to be a user's", weight: 1 });
    } else if (
      call.ref === "#function-constructor" ||
      call.ref === "Function" ||
      call.ref === "eval" ||
      call.ref === "?.constructor" ||
      call.ref === "?.constructor.constructor"
    ) {
      if (call.args.some((arg) => textsOf(arg).some((text) => /\bdebugger\b/u.test(text))))
        signs.push({ at: call.start, what: "a debugger", weight: 2 });
    } else if (
      call.ref === "Object.defineProperty" &&
      /console\.(?:log|debug|dir|table)/u.test(check.file.text.slice(0, 50_000)) &&
      /^(?:id|toString|message|stack)$/u.test(call.args[1]?.shape ?? "") &&
      call.args[2]?.props?.has("get") === true
    ) {
      signs.push({ at: call.start, what: "developer tools", weight: check.file.text.length < 5000 ? 2 : 1 });
    }
  }
  const text = check.file.text;
  if (text.length < 400_000) {
    match(
      signs,
      text,
      /(?:Headless|PhantomJS|_phantom|__nightmare|callPhantom|domAutomation|\bcdc_[a-z]|__selenium|__webdriver|__playwright|__puppeteer)/u,
      "browser automation",
      1,
    );
    match(
      signs,
      text,
      /outer(?:Width|Height)\s*-\s*(?:window\.)?inner(?:Width|Height)|outer(?:Width|Height)\s*-\s*\w+\.inner/u,
      "developer tools",
      2,
    );
    match(signs, text, /TracerPid|isDebuggerPresent|\/proc\/self\/status/u, "a debugger", 2);
    match(
      signs,
      text,
      /systemd-detect-virt|\/\.dockerenv|\/proc\/1\/cgroup|\bVBOX|VirtualBox|vmware|\bqemu\b|00:0c:29|08:00:27|00:50:56|\bHyper-V\b|sandboxie|\bcuckoo\b|\bwireshark\b|procmon|x64dbg|ollydbg/iu,
      "a virtual machine or an analyst's tools",
      text.length < 5000 ? 2 : 1,
    );
    match(
      signs,
      text,
      /\(\(\(\.\+\)\+\)\+\)\+\$|\\\w\+ \*\\\(\\\)|constructor\(["']debugger|while\s*\(true\)\s*\{\s*\}["']\)/u,
      "being reformatted or debugged",
      2,
    );
  }
  for (const write of facts.writes) {
    const isSilencer = /^console\.\w+$/u.test(write.ref ?? "") && isEmpty(write.value.fn?.node, text);
    if (isSilencer)
      signs.push({ at: write.start, what: "a way to silence the console", weight: text.length < 5000 ? 2 : 1 });
    else if (
      write.name === "toString" &&
      write.value.fn !== undefined &&
      write.object.props === undefined &&
      write.object.fn === undefined &&
      /console\.\w+\(/u.test(text.slice(0, 20_000)) &&
      text.length < 20_000
    ) {
      signs.push({ at: write.start, what: "developer tools", weight: 2 });
    }
  }
  for (const call of callsInto(facts, "run")) {
    if (
      (commandTopics(call) & topic.detects) !== 0 ||
      /\b(?:wmic|systeminfo|lspci|dmidecode|tasklist|ps aux)\b/u.test(textsOf(call.args[0]).join(" "))
    ) {
      const isSure = (commandTopics(call) & topic.detects) !== 0;
      signs.push({
        at: call.start,
        what: "a virtual machine or an analyst's tools",
        weight: isSure && text.length < 8000 ? 2 : 1,
      });
    }
  }
  for (const call of facts.calls) {
    if (
      /^(?:fs)\.(?:exists|access|stat|readFile)/u.test(call.ref) &&
      call.args.some((arg) => textsOf(arg).some((one) => (topicsOf(one) & topic.detects) !== 0))
    )
      signs.push({ at: call.start, what: "a virtual machine or an analyst's tools", weight: 2 });
  }
  return signs;
}

function match(signs: Sign[], text: string, pattern: RegExp, what: string, weight: number): void {
  const found = pattern.exec(text);
  if (found !== null) signs.push({ at: found.index, what, weight });
}

const isEmpty = (node: Node | undefined, text: string): boolean =>
  node !== undefined &&
  /\{\s*(?:return\s*(?:undefined|null|void 0)?;?)?\s*\}\s*$|=>\s*(?:null|undefined|void 0|\(\))$/u.test(
    text.slice(node.start, node.end),
  );
