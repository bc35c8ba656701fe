import { covers, permissionOf } from "@berth/spec";
import type { Manifest, Permission, PermissionRequest } from "@berth/spec";

import type { ContextUse } from "./context-uses.ts";
import { platformMissing, platformTooWide } from "./platform-findings.ts";
import type { PluginUses } from "./source-uses.ts";
import { userDataMissing, userDataTooWide } from "./user-data-findings.ts";

/** A topic among the manifest's subscriptions. */
export interface SubscriptionPlace {
  readonly subscription: string;
}

/** A finding whose place is a use in the code, or in the manifest. */
export interface PermissionFinding {
  readonly rule: "permission-missing" | "permission-unused" | "permission-over-wide";
  readonly at: ContextUse | PermissionRequest | SubscriptionPlace;
  readonly message: string;
}

const isNetwork = ({ name }: PermissionRequest): boolean =>
  name === "network_restricted" || name === "network_unrestricted";

type Named<Name extends Permission["name"]> = Extract<PermissionRequest, { name: Name }>;
const ofName = <Name extends Permission["name"]>(all: readonly PermissionRequest[], name: Name): Named<Name>[] =>
  all.filter((each): each is Named<Name> => each.name === name);

/**
 * Compares what the code uses with what the manifest asks for. Permissions that no service of the context needs
 * are not judged, nor is anything called unused or too wide where the code hands its context on.
 */
export function permissionFindings(manifest: Manifest, { uses, isOpen }: PluginUses): PermissionFinding[] {
  const { permissions } = manifest;
  const findings = [
    ...networkMissing(permissions, uses),
    ...filesMissing(permissions, uses),
    ...secretsMissing(permissions, uses),
    ...commandsMissing(permissions, uses),
    ...userDataMissing(permissions, uses),
    ...platformMissing(manifest, uses),
  ];
  if (!isOpen)
    findings.push(
      ...networkTooWide(permissions, uses),
      ...filesTooWide(permissions, uses),
      ...secretsTooWide(permissions, uses),
      ...commandsTooWide(permissions, uses),
      ...userDataTooWide(permissions, uses),
      ...platformTooWide(manifest, uses),
    );
  return findings;
}

const ofMethods = (uses: readonly ContextUse[], ...methods: readonly string[]): ContextUse[] =>
  uses.filter(({ method }) => methods.includes(method));

/** The URL of a request, when enough of it is written out to tell its host. */
function targetOf({ argument }: ContextUse): URL | undefined {
  if (argument === undefined || !/^https?:\/\/[^/]+(?:\/|$)/.test(argument.text)) return undefined;
  // A text that ends within the host name says nothing about the host.
  if (!argument.isWhole && !/^https?:\/\/[^/]+\//.test(argument.text)) return undefined;
  return URL.canParse(argument.text) ? new URL(argument.text) : undefined;
}

const portOf = ({ port, protocol }: URL): number => (port === "" ? (protocol === "http:" ? 80 : 443) : Number(port));

function networkMissing(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const requests = ofMethods(uses, "fetch");
  const declared = permissions.filter(isNetwork);
  if (declared.length === 0)
    return requests
      .slice(0, 1)
      .map((at) => missing(at, "this sends requests, and the manifest asks for no network_restricted"));
  if (declared.some(({ name }) => name === "network_unrestricted")) return [];
  return requests.flatMap((at) => {
    const target = targetOf(at);
    if (target === undefined) return [];
    const want: Permission = {
      name: "network_restricted",
      hosts: [target.hostname],
      ports: [portOf(target)],
      methods: at.httpMethod === undefined ? ["GET"] : [at.httpMethod as "GET"],
      bytesPerDay: 1,
      secretHeaders: [],
    };
    const isCovered = declared.some((request) => {
      const held = permissionOf(request);
      // A method that cannot be told is not held against it.
      const methods = at.httpMethod === undefined && held.name === "network_restricted" ? held.methods : want.methods;
      return covers(held, { ...want, methods });
    });
    const what = `${at.httpMethod ?? "a request"} to ${target.host}`;
    return isCovered ? [] : [missing(at, `this sends ${what}, which no network_restricted of the manifest covers`)];
  });
}

function filesMissing(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const writes = ofName(permissions, "file_system_write");
  const reading = ofMethods(uses, "files.read", "files.list");
  const writing = ofMethods(uses, "files.write", "files.makeFolder", "files.delete");
  const deleting = ofMethods(uses, "files.delete");
  const first = (found: readonly ContextUse[], isHeld: boolean, message: string): PermissionFinding[] =>
    isHeld ? [] : found.slice(0, 1).map((at) => missing(at, message));
  return [
    ...first(
      reading,
      ofName(permissions, "file_system_read").length > 0,
      "this reads files, and the manifest asks for no file_system_read",
    ),
    ...first(writing, writes.length > 0, "this changes files, and the manifest asks for no file_system_write"),
    ...first(
      deleting,
      writes.length === 0 || writes.some((each) => each.delete),
      "this deletes, and no file_system_write of the manifest says delete",
    ),
    ...first(
      ofMethods(uses, "files.makeFolder"),
      writes.length === 0 || writes.some((each) => each.create),
      "this creates, and no file_system_write of the manifest says create",
    ),
  ];
}

function secretsMissing(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const held = ofName(permissions, "secrets_access");
  const revealing = held.filter(({ reveal }) => reveal);
  const revealed = ofMethods(uses, "secrets.reveal").flatMap((at) => {
    const name = at.argument?.isWhole === true ? at.argument.text : undefined;
    const isHeld = revealing.some(({ names }) => name === undefined || names.includes(name));
    return isHeld
      ? []
      : [missing(at, `this reveals ${name ?? "a secret"}, and no secrets_access of the manifest names it with reveal`)];
  });
  const injected = ofName(permissions, "network_restricted").flatMap((at) =>
    at.secretHeaders
      .filter(({ secret }) => !held.some(({ names }) => names.includes(secret)))
      .map(({ header, secret }) =>
        missing(at, `${secret} is put into the header ${header}, and no secrets_access of the manifest names it`),
      ),
  );
  return [...revealed, ...injected];
}

function networkTooWide(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const requests = ofMethods(uses, "fetch");
  const targets = requests.map(targetOf);
  return permissions.filter(isNetwork).flatMap((at): PermissionFinding[] => {
    if (requests.length === 0)
      return [{ rule: "permission-unused", at, message: `no code sends a request, and ${at.name} is asked for` }];
    if (at.name === "network_unrestricted")
      return targets.includes(undefined)
        ? []
        : [
            tooWide(
              at,
              `every request goes to a host that is known: ask for network_restricted with ${hostsOf(targets)}`,
            ),
          ];
    if (at.name !== "network_restricted" || targets.includes(undefined)) return [];
    const known = new Set(targets.map((target) => target?.hostname));
    const idle = at.hosts.filter(
      (host) => !(host.startsWith("*.") ? [...known].some((each) => each?.endsWith(host.slice(1))) : known.has(host)),
    );
    const wild = at.hosts.filter((host) => host.startsWith("*.") && !idle.includes(host));
    const methods = requests.some(({ httpMethod }) => httpMethod === undefined)
      ? []
      : at.methods.filter((method) => !requests.some(({ httpMethod }) => httpMethod === method));
    return [
      ...(idle.length > 0 ? [tooWide(at, `no request goes to ${idle.join(", ")}`)] : []),
      ...(wild.length > 0 ? [tooWide(at, `${wild.join(", ")} is more than ${hostsOf(targets)}`)] : []),
      ...(methods.length > 0 ? [tooWide(at, `no request is a ${methods.join(" or ")}`)] : []),
    ];
  });
}

const hostsOf = (targets: readonly (URL | undefined)[]): string =>
  [...new Set(targets.flatMap((target) => (target === undefined ? [] : [target.hostname])))].toSorted().join(", ");

function filesTooWide(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const findings: PermissionFinding[] = [];
  for (const at of [...ofName(permissions, "file_system_read"), ...ofName(permissions, "file_system_write")]) {
    const methods =
      at.name === "file_system_read"
        ? ["files.read", "files.list"]
        : ["files.write", "files.makeFolder", "files.delete"];
    if (ofMethods(uses, ...methods).length === 0) {
      findings.push({
        rule: "permission-unused",
        at,
        message: `no code ${at.name === "file_system_read" ? "reads" : "changes"} files, and ${at.name} is asked for`,
      });
      continue;
    }
    if (at.roots.includes("/"))
      findings.push(tooWide(at, '"/" is every file of the machine: name the folders that are needed'));
    if (at.name !== "file_system_write") continue;
    if (at.delete && ofMethods(uses, "files.delete").length === 0)
      findings.push(tooWide(at, "nothing is deleted, and delete is asked for"));
    if (at.create && !uses.some(({ mayCreate }) => mayCreate))
      findings.push(tooWide(at, "nothing is created, and create is asked for"));
  }
  return findings;
}

function secretsTooWide(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const reveals = ofMethods(uses, "secrets.reveal");
  if (reveals.some(({ argument }) => argument?.isWhole !== true)) return [];
  const revealed = new Set(reveals.map(({ argument }) => argument?.text));
  const injected = new Set(
    ofName(permissions, "network_restricted").flatMap(({ secretHeaders }) => secretHeaders.map(({ secret }) => secret)),
  );
  return ofName(permissions, "secrets_access").flatMap((at): PermissionFinding[] => {
    const idle = at.names.filter((name) => !revealed.has(name) && !injected.has(name));
    if (idle.length === at.names.length)
      return [{ rule: "permission-unused", at, message: `no code uses ${idle.join(", ")}` }];
    const isOnlyInjected = at.reveal && !at.names.some((name) => revealed.has(name));
    return [
      ...(idle.length > 0 ? [tooWide(at, `no code uses ${idle.join(", ")}`)] : []),
      ...(isOnlyInjected ? [tooWide(at, "no code reveals what it names: leave reveal out")] : []),
    ];
  });
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((each, at) => each === b[at]);

function commandsMissing(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const runs = ofMethods(uses, "exec.run");
  const declared = ofName(permissions, "system_exec");
  if (declared.length === 0)
    return runs.slice(0, 1).map((at) => missing(at, "this runs a command, and the manifest asks for no system_exec"));
  return runs.flatMap((at) => {
    const { command } = at;
    const entries = declared.filter(
      ({ commands }) => command === undefined || commands.some(({ run }) => isSame(run, command)),
    );
    if (entries.length === 0)
      return [missing(at, `this runs ${command?.join(" ")}, which is no command of the manifest's as it stands there`)];
    const writes = at.mayWrite && !declared.some(({ write }) => write);
    return writes ? [missing(at, "this may ask to write, and no system_exec of the manifest says write")] : [];
  });
}

/** Programs that run whatever they are told. */
const SHELL = /^\/(?:usr\/)?(?:local\/)?bin\/(?:ba|da|z|k|mk|c|tc|fi|a)?sh$/;

function commandsTooWide(permissions: readonly PermissionRequest[], uses: readonly ContextUse[]): PermissionFinding[] {
  const runs = ofMethods(uses, "exec.run");
  return ofName(permissions, "system_exec").flatMap((at): PermissionFinding[] => {
    if (runs.length === 0)
      return [{ rule: "permission-unused", at, message: "no code runs a command, and system_exec is asked for" }];
    const programs = at.commands.map(({ run: [program = ""] }) => program);
    const unnamed = programs.find((program) => !program.startsWith("/"));
    const shell = programs.find((program) => SHELL.test(program));
    const isKnown = runs.every(({ command }) => command !== undefined);
    const idle = at.commands.filter(
      ({ run }) => !runs.some(({ command }) => command !== undefined && isSame(command, run)),
    );
    return [
      ...(unnamed === undefined
        ? []
        : [tooWide(at, `${unnamed} is never run: a program is named by its absolute path`)]),
      ...(shell === undefined ? [] : [tooWide(at, `${shell} runs whatever it is told: name the program itself`)]),
      ...(isKnown ? idle.map(({ run }) => tooWide(at, `no code runs ${run.join(" ")}`)) : []),
      ...(at.write && !runs.some(({ mayWrite }) => mayWrite)
        ? [tooWide(at, "no command asks to write, and write is asked for")]
        : []),
      ...(at.workingDirectory === "/"
        ? [tooWide(at, '"/" is no folder for commands: name the one that is needed')]
        : []),
    ];
  });
}

const missing = (at: ContextUse | PermissionRequest, message: string): PermissionFinding => ({
  rule: "permission-missing",
  at,
  message,
});
const tooWide = (at: PermissionRequest, message: string): PermissionFinding => ({
  rule: "permission-over-wide",
  at,
  message,
});
