import type { CallFact, Circumstance, Facts } from "./facts.ts";
import { effectOf } from "./effects.ts";
import { tag } from "./tags.ts";
import { topic, topicsOf } from "./topics.ts";
import { alternatives, deepTags, type Value } from "./value.ts";

/** Data that leaves the program for another machine, window or person. */
export interface Transfer {
  readonly start: number;
  readonly end: number;
  /** How, in words: "fetch", "a DNS look-up", "a shell command". */
  readonly how: string;
  readonly kind: "request" | "name" | "command" | "element" | "style" | "window";
  /** Where the data came from. */
  readonly tags: number;
  /** Offset where the data was acquired, -1 when unknown. */
  readonly from: number;
  /** The address, as far as it is known. */
  readonly url: string | undefined;
  /** Whether the address is written in the code as an absolute one. */
  readonly isFixed: boolean;
  readonly when: Circumstance;
}

/** Headers that carry a secret to the service it belongs to; their use is authentication. */
const AUTHENTICATION =
  /^(?:proxy-)?authorization$|^x-api-key$|^api-?key$|^private-token$|^x-goog-api-key$|^x-auth(?:-token)?$|^auth$|^bearer$|^x-xsrf-token$|^x-csrf-token$|^token$|^password$|^username$|^user$|^pass$|^credentials$/iu;

const isAuthentication = (name: string): boolean => AUTHENTICATION.test(name);

/** All transfers of a file. */
export function transfersOf(facts: Facts): Transfer[] {
  const transfers: Transfer[] = [];
  const opened = facts.calls.filter((call) => opensFixed(call)).slice(0, 100);
  for (const call of facts.calls) {
    const transfer = ofCall(call, opened);
    if (transfer !== undefined) transfers.push(transfer);
  }
  for (const write of facts.writes) {
    const kind = elementKind(write.ref, write.name);
    if (kind === undefined) continue;
    const tags = deepTags(write.value);
    transfers.push({
      start: write.start,
      end: write.end,
      how: kind === "style" ? "a style sheet" : kind === "window" ? "navigation" : "an element's address",
      kind,
      tags,
      from: write.value.at,
      url: urlOf([write.value]),
      isFixed: isFixed([write.value]),
      when: write.when,
    });
  }
  transfers.push(...handMadeForms(facts));
  return transfers;
}

/** A form that the program builds, fills and sends to a fixed address without anybody pressing a button. */
function handMadeForms(facts: Facts): Transfer[] {
  const action = facts.writes.find((write) => write.ref === "element:form.action" && isFixed([write.value]));
  if (action === undefined) return [];
  return facts.writes
    .filter((write) => /^element:(?:input|textarea)\.value$/u.test(write.ref ?? ""))
    .map((write) => ({
      start: write.start,
      end: write.end,
      how: "a form",
      kind: "request",
      tags: deepTags(write.value),
      from: write.value.at,
      url: urlOf([action.value]),
      isFixed: true,
      when: write.when,
    }));
}

function ofCall(call: CallFact, opened: readonly CallFact[]): Transfer | undefined {
  const sink = effectOf(call.ref)?.sink;
  const { ref, args } = call;
  if (sink === "send") {
    if (ref.startsWith("#sender.") && args.length === 0) return undefined;
    const isHeader =
      (ref.endsWith(".set") || ref.endsWith(".setRequestHeader") || ref.endsWith(".setHeader")) &&
      isAuthentication(args[0]?.shape ?? "");
    const tags = isHeader ? 0 : sentTags(args);
    const receiverUrl =
      urlOf(args) ?? (call.receiver.ref?.startsWith("#") === true ? undefined : urlOf([call.receiver]));
    return make(
      call,
      ref.startsWith("#socket") ? "a socket" : nameOf(ref),
      "request",
      tags,
      receiverUrl,
      isFixed(args) || (ref.startsWith("#") && opened.some((other) => isAround(other.when, call.when))),
    );
  }
  if (sink === "resolve") return make(call, "a DNS look-up", "name", deepAll(args), args[0]?.shape, true);
  if (sink === "run") {
    const text = commandOf(args);
    if (
      (topicsOf(text) & (topic.downloads | topic.reverseShell)) === 0 &&
      !/\b(?:nslookup|dig|ping|host|ssh|scp|rsync|ftp|nc|git push|telnet|sendmail|mail)\b/u.test(text)
    )
      return undefined;
    // What a child inherits as its environment is not part of what it is told to send.
    const told = args.reduce((sum, arg) => sum | deepTags(arg, (name) => name === "env"), 0);
    return make(call, "a shell command", "command", told, text, true);
  }
  if (
    ref === "*.postMessage" &&
    (call.receiver.ref === "globalThis" ||
      call.receiver.ref === "parent" ||
      call.receiver.ref === "opener" ||
      call.receiver.ref === "top")
  ) {
    return make(call, "a message to another window", "window", deepAll(args), undefined, args[1]?.shape === "*");
  }
  if (ref === "*.insertRule" || ref === "*.setProperty")
    return make(call, "a style sheet", "style", deepAll(args), urlOf(args), isFixed(args));
  if (
    /^(?:\*|element:\w+)\.setAttribute$/u.test(ref) &&
    /^(?:src|href|style|action|ping|srcset|poster)$/u.test(args[0]?.shape ?? "")
  ) {
    return make(
      call,
      "an element's address",
      "element",
      deepAll(args.slice(1)),
      urlOf(args.slice(1)),
      isFixed(args.slice(1)),
    );
  }
  return undefined;
}

/** Whether a call opens a connection to an address that the code itself names. */
const opensFixed = (call: CallFact): boolean =>
  call.ref === "RTCPeerConnection" || (effectOf(call.ref)?.sink === "send" && isFixed(call.args));

/** Whether two calls stand in one function, or one of them in a function around the other. */
function isAround(one: Circumstance, other: Circumstance): boolean {
  const holds = (outer: Circumstance, inner: Circumstance): boolean => {
    for (let at: Circumstance | undefined = inner; at !== undefined; at = at.outer) if (at.fn === outer.fn) return true;
    return false;
  };
  return holds(one, other) || holds(other, one);
}

function make(
  call: CallFact,
  how: string,
  kind: Transfer["kind"],
  tags: number,
  url: string | undefined,
  fixed: boolean,
): Transfer {
  return {
    start: call.start,
    end: call.end,
    how,
    kind,
    tags,
    from: call.args.find((arg) => arg.at >= 0)?.at ?? -1,
    url,
    isFixed: fixed,
    when: call.when,
  };
}

const nameOf = (ref: string): string =>
  ref.startsWith("#") ? "a connection" : ref.startsWith("?.") ? `the host's ${ref.slice(2)}` : ref;

const deepAll = (args: readonly Value[]): number => args.reduce((sum, arg) => sum | deepTags(arg), 0);

/** A secret in an authentication header goes to the service it was made for; anywhere else it is data. */
function sentTags(args: readonly Value[]): number {
  let tags = 0;
  for (const arg of args) {
    if (arg.fn !== undefined && arg.tags === 0) continue;
    const all = deepTags(arg);
    const SECRET = tag.secretVariable | tag.secret | tag.browser | tag.form;
    tags |= (all & SECRET) === 0 ? all : (all & ~SECRET) | (deepTags(arg, isAuthentication) & SECRET);
  }
  return tags;
}

/** The first address among the arguments: as text, or as `hostname` and `path` of options. */
export function urlOf(args: readonly Value[]): string | undefined {
  for (const arg of args) {
    for (const option of alternatives(arg)) {
      if (option.shape !== undefined && /^(?:[a-z+]+:)?\/\/|url\(/iu.test(option.shape)) return option.shape;
    }
    for (const name of ["url", "uri", "href", "hostname", "host", "baseURL", "prefixUrl"]) {
      const shape = arg.props?.get(name)?.shape;
      if (shape !== undefined) return shape;
    }
  }
  return undefined;
}

function isFixed(args: readonly Value[]): boolean {
  const url = urlOf(args);
  if (url === undefined) return false;
  return (
    /^(?:(?:https?|wss?|ftp|tcp):)?\/\/(?:[\w.-]|\uFFFC[\w.-]*\.[\w-]+\.[a-z]+)|url\(["']?(?:https?:)?\/\/[\w.-]+/iu.test(
      url,
    ) || /^[\w-]+(?:\.[\w-]+)+$/u.test(url)
  );
}

/** A command with its arguments as one text. */
export function commandOf(args: readonly Value[]): string {
  const words: string[] = [];
  for (const arg of args.slice(0, 2)) {
    if (arg.items === undefined)
      words.push(
        alternatives(arg)
          .map((one) => one.shape ?? one.ref ?? "")
          .join(" "),
      );
    else
      words.push(
        arg.items
          .slice(0, 40)
          .map((item) => item.shape ?? item.ref ?? "\uFFFC")
          .join(" "),
      );
  }
  for (const arg of args.slice(0, 3)) {
    const list = arg.props?.get("args")?.items;
    if (list !== undefined) words.push(list.map((item) => item.shape ?? "").join(" "));
  }
  return words.join(" ");
}

function elementKind(ref: string | undefined, name: string): Transfer["kind"] | undefined {
  if (
    ref !== undefined &&
    /^(?:location(?:\.href)?|document\.location(?:\.href)?|top\.location|parent\.location)$/u.test(ref)
  )
    return "window";
  if (
    name === "cssText" ||
    name === "backgroundImage" ||
    name === "background" ||
    ref === "element:style.textContent" ||
    ref === "element:style.innerHTML" ||
    ref === "element:style.innerText"
  )
    return "style";
  if (name === "src" || name === "href" || name === "action" || name === "srcset" || name === "ping") return "element";
  return undefined;
}

/** The hosts that transfers go to, where the code names them. */
export function hostsOf(transfers: readonly Transfer[]): string[] {
  const hosts = new Set<string>();
  for (const { url } of transfers) {
    const host =
      /^(?:[a-z+]+:)?\/\/([\w.-]+\.[a-z][\w-]*)/iu.exec(url ?? "")?.[1] ??
      (/^[\w-]+(?:\.[\w-]+)+$/u.test(url ?? "") ? url : undefined);
    if (host !== undefined && hosts.size < 64) hosts.add(host.toLowerCase());
  }
  return [...hosts];
}
