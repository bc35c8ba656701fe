import type { Rule, SyntaxCheck } from "../rule.ts";
import type { Circumstance, WriteFact } from "../syntax/facts.ts";
import { PRIVATE, tag } from "../syntax/tags.ts";
import type { Value } from "../syntax/value.ts";

/** Prototype methods and functions that other code relies on; assigning one changes it for everybody. */
const METHODS: ReadonlyMap<string, string> = new Map([
  [
    "Array.prototype",
    "push pop shift unshift slice splice concat join map filter forEach reduce indexOf includes find some every sort reverse flat flatMap keys values entries at toString",
  ],
  [
    "String.prototype",
    "replace replaceAll split slice substring substr indexOf includes startsWith endsWith trim charAt charCodeAt match toLowerCase toUpperCase concat toString localeCompare",
  ],
  ["Object.prototype", "toString hasOwnProperty valueOf"],
  ["Function.prototype", "call apply bind toString"],
  ["Promise.prototype", "then catch finally"],
  ["Promise", "resolve reject all race any"],
  ["RegExp.prototype", "exec test"],
  ["Map.prototype", "get set has delete forEach"],
  ["Set.prototype", "add has delete"],
  ["WeakMap.prototype", "get set has"],
  ["Date.prototype", "getTime toISOString getTimezoneOffset"],
  ["Number.prototype", "toString toFixed"],
  ["Date", "now"],
  ["JSON", "parse stringify"],
  ["Math", "random floor"],
  [
    "Object",
    "keys values entries assign freeze isFrozen seal defineProperty getOwnPropertyNames create getPrototypeOf setPrototypeOf",
  ],
  ["Reflect", "get set apply has construct"],
  ["Array", "isArray from"],
  ["Buffer", "from alloc concat"],
  ["Buffer.prototype", "toString write"],
  ["EventTarget.prototype", "addEventListener dispatchEvent"],
  ["XMLHttpRequest.prototype", "open send setRequestHeader"],
  ["WebSocket.prototype", "send"],
  ["Storage.prototype", "getItem setItem"],
  ["HTMLFormElement.prototype", "submit"],
  ["Element.prototype", "setAttribute attachShadow"],
  ["Node.prototype", "appendChild insertBefore"],
  ["Headers.prototype", "set append"],
  ["Response.prototype", "json text"],
  ["Request.prototype", "json text"],
  ["navigator", "sendBeacon"],
  ["navigator.clipboard", "writeText readText"],
  ["navigator.credentials", "get create"],
  [
    "crypto",
    "randomBytes createHash createHmac getRandomValues createCipheriv randomUUID timingSafeEqual sign verify pbkdf2 pbkdf2Sync scrypt",
  ],
  ["crypto.subtle", "encrypt decrypt sign verify importKey"],
  ["http", "request get createServer"],
  ["https", "request get createServer"],
  ["http.ClientRequest.prototype", "write end"],
  ["http.Server.prototype", "emit"],
  ["net.Socket.prototype", "connect write"],
  ["tls", "connect checkServerIdentity"],
  ["dns", "lookup resolve"],
  ["fs", "readFile readFileSync writeFile writeFileSync existsSync createReadStream open openSync"],
  ["child_process", "exec execSync spawn spawnSync execFile fork"],
  ["process", "exit emit on kill binding"],
  ["module", "_load _resolveFilename wrap"],
  ["module.prototype", "require _compile load"],
  ["document", "createElement write addEventListener querySelector"],
  ["events.EventEmitter.prototype", "emit on"],
  ["events.prototype", "emit on"],
  ["console", "log error warn info"],
  ["history", "pushState"],
  ["localStorage", "setItem getItem"],
]);

const GLOBALS: ReadonlySet<string> = new Set(
  "fetch XMLHttpRequest WebSocket eval Function require setTimeout Promise JSON Proxy Date Request Response EventSource alert open postMessage crypto atob Buffer URL RTCPeerConnection Worker addEventListener".split(
    " ",
  ),
);

/** References that are the program's own, or empty places that wait to be filled. */
const OWN = /^(?:exports|module|this|#|element:|\?|\$\.fn|jQuery\.fn|arguments|globalThis$)/u;

const targets: ReadonlySet<string> = new Set(
  [...METHODS].flatMap(([owner, names]) => names.split(" ").map((name) => `${owner}.${name}`)),
);

/** Listened to rather than spied upon: tools of the trade replace these in good faith, one at a time. */
const MILD =
  /^(?:console|history|process\.(?:exit|emit|on)|module\._resolveFilename|document|Date|Math|localStorage|EventTarget)/u;

/** What file systems, loaders and polyfills replace: that is what they are. */
const TOOLS = /^(?:fs\.|module\.|Function\.prototype\.toString)/u;
const LARGE = 10_000;
/** A small file that replaces a clock or an exit exists for it. */
const SMALL = 3000;

/** The replacement itself, or the traps of a proxy. */
const functionsOf = (value: Value): NonNullable<Value["fn"]>[] =>
  [value, ...(value.ref === "Proxy" ? (value.props?.values() ?? []) : [])].flatMap((one) => one.fn ?? []);

export const replacesBuiltins: Rule = {
  id: "replaces-builtins",
  class: "tampering",
  severity: "high",
  finds:
    "Replacing functions that the whole program relies on: built-in methods, `fetch`, `JSON.parse`, modules of Node, the module loader.",
  remedy: "Wrap the function in a name of its own, or register a hook with the host.",
  syntax(check) {
    for (const write of check.facts.writes) {
      const { ref, value } = write;
      if (
        ref === undefined ||
        !(targets.has(ref) || GLOBALS.has(ref)) ||
        isFallback(check, write.when, write.operator, write.name, ref)
      )
        continue;
      if (GLOBALS.has(ref) && write.object.ref !== "globalThis" && write.object.ref !== undefined) continue;
      if (!isReplacement(value)) continue;
      const stolen = functionsOf(value).some((fn) => sends(check, fn));
      const isMild = MILD.test(ref);
      const isSilent = ref.startsWith("console") || check.file.text.length > 20_000;
      const isTool = (check.file.text.length > LARGE && TOOLS.test(ref)) || isPutBack(check, write);
      check.report(
        write.start,
        `This replaces ${ref} for the whole program${stolen ? ", and the replacement sends data away" : ""}.`,
        {
          severity: stolen ? "critical" : isMild && isSilent ? "low" : isMild || isTool ? "medium" : "high",
          confidence: stolen || (isMild && check.file.text.length < SMALL) ? "high" : "medium",
          end: write.end,
        },
      );
    }
    for (const write of check.facts.writes) {
      const { ref, value, object } = write;
      if (ref === undefined || object.ref === undefined || value.fn === undefined || targets.has(ref)) continue;
      if (OWN.test(ref) || write.name.startsWith("on") || !sends(check, value.fn)) continue;
      // Only what existed before can be replaced: its name stands elsewhere too.
      const target = check.source(write.start, write.end).split("=", 1)[0]?.trim() ?? "";
      if (target.length < 3 || check.file.text.split(target, 3).length < 3) continue;
      check.report(write.start, `This stands between the program and ${ref}, and sends data away.`, {
        severity: "critical",
        end: write.end,
      });
    }
    for (const call of check.facts.calls) {
      if (!/^(?:Object\.defineProperty|Reflect\.(?:set|defineProperty)|Object\.assign)$/u.test(call.ref)) continue;
      const [target, name, description] = call.args;
      const key = name?.isConstant === true ? name.shape : undefined;
      if (target?.ref === undefined || key === undefined) continue;
      const ref = target.ref === "globalThis" ? key : `${target.ref}.${key}`;
      const isPrototype = target.ref.endsWith(".prototype") && !OWN.test(target.ref);
      const accessors = ["get", "set", "value"].flatMap((part) => description?.props?.get(part)?.fn ?? []);
      if (isPrototype && accessors.some((fn) => sends(check, fn)))
        check.report(call.start, `This replaces ${ref} for the whole program, and the replacement sends data away.`, {
          severity: "critical",
          end: call.end,
        });
      if (
        !(targets.has(ref) || (target.ref === "globalThis" && GLOBALS.has(ref))) ||
        isFallback(check, call.when, "=", key, ref)
      )
        continue;
      const replacement = description?.props?.get("value") ?? description?.props?.get("get") ?? description;
      if (replacement === undefined || !isReplacement(replacement)) continue;
      const stolen = replacement.fn !== undefined && sends(check, replacement.fn);
      check.report(call.start, `This replaces ${ref} for the whole program.`, {
        severity: stolen ? "critical" : "high",
        confidence: stolen ? "high" : "medium",
        end: call.end,
      });
    }
  },
};

const isReplacement = (value: Value): boolean =>
  value.fn !== undefined ||
  value.ref === "Proxy" ||
  (value.ref === undefined && value.props !== undefined) ||
  value.ref?.startsWith("Proxy") === true;

/** Whether the same place is given back what stood there: a patch that can be taken off. */
function isPutBack(check: SyntaxCheck, write: WriteFact): boolean {
  const targetOf = (one: WriteFact): string => check.source(one.start, one.end).split("=", 1)[0]?.trim() ?? "";
  const target = targetOf(write);
  return check.facts.writes.some(
    (other) =>
      other.start !== write.start &&
      other.name === write.name &&
      (other.value.ref === write.ref || other.value.fn === undefined) &&
      targetOf(other) === target,
  );
}

/** `if (!window.fetch) window.fetch = …` fills a gap; it replaces nothing. */
function isFallback(check: SyntaxCheck, when: Circumstance, operator: string, name: string, ref: string): boolean {
  if (operator === "??=" || operator === "||=") return true;
  for (let at: Circumstance | undefined = when; at !== undefined; at = at.outer) {
    if (at.testStart < 0) continue;
    const test = check.source(at.testStart, at.testEnd);
    if (
      test.includes(name) &&
      !/\bres|\bdata/u.test(test) &&
      (test.includes("!") || test.includes("typeof") || test.includes("in ") || test.includes(ref))
    )
      return true;
  }
  return false;
}

function sends(check: SyntaxCheck, fn: NonNullable<Value["fn"]>): boolean {
  return check.transfers.some((transfer) => {
    if (!transfer.isFixed && (transfer.tags & (PRIVATE | tag.remote)) === 0) return false;
    for (let when: Circumstance | undefined = transfer.when; when !== undefined; when = when.outer)
      if (when.fn === fn) return transfer.isFixed;
    return false;
  });
}
