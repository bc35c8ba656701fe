import { covers, explainPermission, formatPermission, isDangerous, needsOwnProcess, permissionOf } from "@berth/spec";
import type { Permission } from "@berth/spec";

import type { ServiceCall } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { Journal } from "../journal.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { PluginPolicy } from "../policy.ts";
import { decideRight, isDenial } from "./decide-right.ts";
import type { Denial, Lens, Right, RightTerms } from "./decide-right.ts";
import type { Grants } from "./grants.ts";
import type { PermissionRequests } from "./permission-requests.ts";

/** A question to a person, while a call of the plugin waits for the answer. */
export interface PermissionQuestion {
  readonly pluginId: string;
  readonly displayName: string;
  readonly action: string;
  readonly permission: Permission;
  /** What it allows, in plain words. */
  readonly text: string;
  /** The author's reason. */
  readonly reason: string;
  readonly isDangerous: boolean;
  /** Whose call waits. `session`, `always` and `never` hold for every partition: ask somebody who may say so. */
  readonly partition: string | undefined;
}

/** `once`: for the call that asks. `session`: until the host closes. `always`: until it is taken back. */
export type PermissionAnswer = "once" | "session" | "always" | "never";

/** What rights are decided from. All of it belongs to the host. */
export interface RightParts {
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly requests: PermissionRequests;
  readonly journal: Journal;
  readonly policyFor: (pluginId: string) => PluginPolicy;
  /** Asks a person; `undefined` when nobody is there to ask. */
  readonly ask: ((question: PermissionQuestion) => Promise<PermissionAnswer>) | undefined;
  /** Grants for good, in turn with other changes. */
  readonly grantAlways: (pluginId: string, permission: Permission) => Promise<void>;
}

/** A right that something goes on by. Dispose it when that has ended. */
export interface HeldRight extends Disposable {
  /** Fires when the right is taken back. */
  readonly signal: AbortSignal;
  /** @throws HostError BROKER_DENIED when it was taken back */
  verify(): void;
}

/** A question that somebody is looking at. */
interface Question {
  readonly key: string;
  readonly call: ServiceCall;
  readonly answer: Promise<PermissionAnswer>;
}

/** Decides at every request of a plugin whether it has the right to it. */
export class Rights {
  readonly #parts: RightParts;
  /** Answers that hold until the host closes: by plugin, by permission. */
  readonly #session = new Map<string, Map<string, { readonly permission: Permission; readonly isGranted: boolean }>>();
  /** One at a time for each plugin and partition: nobody is buried in questions, or waits for another's answer. */
  readonly #asked = new Map<string, Question>();
  /** Looks again at what goes on by a right. */
  readonly #watches = new Set<() => void>();

  /** How often something was taken back from a plugin, and how often when each answer for one call was given. */
  readonly #revocations = new Map<string, number>();
  readonly #onceAt = new WeakMap<Permission, number>();

  constructor(parts: RightParts) {
    this.#parts = parts;
    parts.grants.onChange = () => this.#lookAgain();
  }

  /**
   * The right to what is wanted, now.
   *
   * @throws HostError BROKER_DENIED, with `details` of the term, the permission and the parameter that denied
   */
  async verify(call: ServiceCall, wanted: Permission, lens?: Lens): Promise<Right> {
    let decision = this.#decide(call, wanted, lens);
    if (isDenial(decision) && decision.term === "grant" && (await this.#wasGranted(call, wanted, lens)))
      decision = this.#decide(call, wanted, lens);
    if (isDenial(decision)) throw denied(call, wanted, decision);
    if (call.sharesProcess && needsOwnProcess(decision.grant)) throw notHere(call, wanted);
    this.#noteUse(call, call, wanted, decision.grant);
    // Those whose calls led here and limit it: without rights of theirs it would have been denied.
    for (let each = call.through; each !== undefined; each = each.through) {
      const lent = this.#decide(each, wanted, lens);
      if (!isDenial(lent)) this.#noteUse(each, call, wanted, lent.grant);
    }
    return decision;
  }

  /** `by`: who wanted it, with what it knew; its words are noted. */
  #noteUse({ pluginId, version }: ServiceCall, by: ServiceCall, wanted: Permission, grant: Permission): void {
    const { grants, journal } = this.#parts;
    grants.noteUse(pluginId, grant);
    journal.note({
      kind: "use",
      pluginId,
      version,
      subject: wanted.name,
      outcome: "ok",
      detail: formatPermission(wanted),
      label: by.label.current,
    });
  }

  /** Watches a right that was verified, for what goes on by it and must not outlive it. */
  hold(call: ServiceCall, wanted: Permission, lens?: Lens): HeldRight {
    const lost = new AbortController();
    let denial: HostError | undefined;
    const look = (): void => {
      const decision = this.#decide(call, wanted, lens);
      if (denial !== undefined || !isDenial(decision)) return;
      denial = denied(call, wanted, decision);
      lost.abort();
    };
    this.#watches.add(look);
    look();
    return {
      signal: lost.signal,
      verify() {
        if (denial !== undefined) throw denial;
      },
      [Symbol.dispose]: () => void this.#watches.delete(look),
    };
  }

  #lookAgain(): void {
    for (const look of this.#watches) look();
  }

  /** Whether the right to all of a permission holds now, without asking anybody. */
  has(call: ServiceCall, wanted: Permission): boolean {
    return !isDenial(this.#decide(call, wanted));
  }

  /** Why what goes on must not go on, without asking anybody: the error of `verify`, or `undefined`. */
  refusalOf(call: ServiceCall, wanted: Permission): HostError | undefined {
    const decision = this.#decide(call, wanted);
    return isDenial(decision) ? denied(call, wanted, decision) : undefined;
  }

  /** The call's own right, and that of every call which led to it and limits it. */
  #decide(call: ServiceCall, wanted: Permission, lens?: Lens): Right | Denial {
    const own = decideRight(wanted, this.#termsOf(call), lens);
    const { through } = call;
    if (isDenial(own) || through === undefined) return own;
    const theirs = this.#decide(through, wanted, lens);
    if (!isDenial(theirs)) return { grant: own.grant, bases: [...own.bases, ...theirs.bases] };
    const { parameter, callerPlugin = through.pluginId } = theirs;
    return { term: "caller", parameter, callerPlugin };
  }

  /**
   * Whether a plugin holds one of these permissions, or may come to hold it in the middle of a call. `wanted` is
   * of its manifest.
   */
  mayHoldAny(pluginId: string, wanted: readonly Permission[]): boolean {
    if (wanted.length === 0) return false;
    const { grants, policyFor, ask } = this.#parts;
    const policy = policyFor(pluginId);
    const session = [...(this.#session.get(pluginId)?.values() ?? [])].filter(({ isGranted }) => isGranted);
    const held = [
      ...grants.permissionsOf(pluginId),
      ...policy.grants,
      ...session.map(({ permission }) => permission),
    ].filter(needsOwnProcess);
    return wanted.some(
      ({ name }) =>
        !policy.deny.has(name) && (ask !== undefined || held.some((permission) => permission.name === name)),
    );
  }

  /** Takes back what answers of persons gave, for the session or for calls under way. Refusals stay. */
  takeBack(pluginId: string, isMeant: (permission: Permission) => boolean): Permission[] {
    this.#revocations.set(pluginId, (this.#revocations.get(pluginId) ?? 0) + 1);
    const session = this.#session.get(pluginId);
    const taken = [...(session ?? [])].filter(([, answer]) => answer.isGranted && isMeant(answer.permission));
    for (const [key] of taken) session?.delete(key);
    this.#lookAgain();
    return taken.map(([, { permission }]) => permission);
  }

  /** Forgets answers that hold for the session: a plugin that is taken away starts afresh. */
  forget(pluginId: string): void {
    this.#session.delete(pluginId);
  }

  #termsOf({ pluginId, permissions, callerRights, grantedOnce }: ServiceCall): RightTerms {
    const { grants, policyFor } = this.#parts;
    const policy = policyFor(pluginId);
    const revocations = this.#revocations.get(pluginId) ?? 0;
    const session = [...(this.#session.get(pluginId)?.values() ?? [])].filter(({ isGranted }) => isGranted);
    return {
      // Of the release that asks: what another one asks for, its code was not agreed to have.
      manifest: permissions.map(permissionOf),
      policy,
      grants: [
        ...grants.permissionsOf(pluginId),
        ...policy.grants,
        ...session.map(({ permission }) => permission),
        // Given for one call, and only until anything is taken back: to ask once more does no harm.
        ...grantedOnce.filter((permission) => this.#onceAt.get(permission) === revocations),
      ],
      caller: callerRights,
    };
  }

  /** Asks a person for what the manifest declares, or keeps the request for one. */
  async #wasGranted(call: ServiceCall, wanted: Permission, lens: Lens = (held) => held): Promise<boolean> {
    const { plugins, requests, policyFor, ask } = this.#parts;
    const { pluginId, action } = call;
    const manifest = plugins.find(pluginId)?.release?.manifest;
    const declared = manifest?.permissions.find((request) => {
      const seen = lens(permissionOf(request));
      return seen !== undefined && seen.name === wanted.name && covers(seen, wanted);
    });
    if (manifest === undefined || declared === undefined || policyFor(pluginId).deny.has(wanted.name)) return false;
    const permission = permissionOf(declared);
    if (permission.name === "network_unrestricted") return false; // The operator's alone.
    // Nobody is asked for what the caller may not do anyway.
    if (isDenial(decideRight(wanted, { ...this.#termsOf(call), grants: [permission] }, lens))) return false;
    const session = this.#sessionOf(pluginId);
    const key = formatPermission(permission);
    if (session.has(key)) return false; // Refused before; a grant of before would have held.
    if (ask === undefined) {
      await requests.keep(call, declared);
      return false;
    }
    const answer = await this.#answerTo(key, call, ask, {
      pluginId,
      displayName: manifest.displayName,
      action,
      permission,
      text: explainPermission(permission),
      reason: declared.reason,
      isDangerous: isDangerous(permission),
      partition: call.partition,
    });
    // Switched off while the person was thinking: the answer is for nobody.
    if (plugins.find(pluginId)?.release?.manifest !== manifest) return false;
    if (answer === "once") {
      this.#onceAt.set(permission, this.#revocations.get(pluginId) ?? 0);
      call.grantedOnce.push(permission);
    } else if (answer === "always") await this.#parts.grantAlways(pluginId, permission);
    else session.set(key, { permission, isGranted: answer === "session" });
    return answer !== "never";
  }

  /** Calls at the same time share one question. An answer for one call is for the one that asked: others ask again. */
  async #answerTo(
    key: string,
    call: ServiceCall,
    ask: (question: PermissionQuestion) => Promise<PermissionAnswer>,
    question: PermissionQuestion,
  ): Promise<PermissionAnswer> {
    const whose = JSON.stringify([call.pluginId, call.partition ?? null]);
    const session = this.#sessionOf(call.pluginId);
    for (;;) {
      const known = session.get(key);
      if (known !== undefined) return known.isGranted ? "session" : "never";
      const open = this.#asked.get(whose);
      if (open === undefined) break;
      if (open.key === key) {
        const answer = await open.answer;
        if (answer !== "once" || open.call === call) return answer;
      } else await open.answer.catch(() => undefined); // That one's call hears why.
    }
    const answer = ask(question).finally(() => this.#asked.delete(whose));
    this.#asked.set(whose, { key, call, answer });
    return answer;
  }

  #sessionOf(pluginId: string): Map<string, { readonly permission: Permission; readonly isGranted: boolean }> {
    let session = this.#session.get(pluginId);
    if (session === undefined) this.#session.set(pluginId, (session = new Map()));
    return session;
  }
}

const WHY: Readonly<Record<Denial["term"], string>> = {
  manifest: "its manifest does not ask for it",
  policy: "the operator's policy does not allow it",
  grant: "nobody granted it",
  caller: "the caller may not do it",
};

function denied(
  { pluginId, action }: ServiceCall,
  permission: Permission,
  { term, parameter, callerPlugin }: Denial,
): HostError {
  const narrow = parameter === undefined ? "" : ` as far as ${parameter} goes`;
  const why = callerPlugin === undefined ? WHY[term] : `${callerPlugin}, which called it, may not do it`;
  return new HostError("BROKER_DENIED", `${pluginId} ${action} has no right to ${permission.name}${narrow}: ${why}`, {
    details: {
      term,
      permission: permission.name,
      ...(parameter !== undefined && { parameter }),
      ...(callerPlugin !== undefined && { callerPlugin }),
    },
  });
}

/** Granted while the call was under way in a shared process: whoever takes that one over must not find the right there. */
function notHere({ pluginId, action }: ServiceCall, permission: Permission): HostError {
  return new HostError(
    "BROKER_DENIED",
    `${pluginId} ${action} has no right to ${permission.name} in this call, whose process other plugins share: it holds from the next call on`,
    { details: { term: "grant", permission: permission.name } },
  );
}
