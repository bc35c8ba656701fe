import type { Manifest, PermissionRequest } from "@berth/spec";

import type { ContextUse } from "./context-uses.ts";
import type { PermissionFinding } from "./permission-findings.ts";

type PlatformRequest = Extract<PermissionRequest, { name: "platform_services" }>;

/** What one kind of use of the platform needs of a manifest, and what was found of it. */
interface Kind {
  /** Patterns that an entry holds; `undefined`: it has no such service. */
  readonly heldBy: (request: PlatformRequest) => readonly string[] | undefined;
  /** What is used, each with its place; `undefined`: it cannot be told before the program runs. */
  readonly uses: readonly { readonly at: PermissionFinding["at"]; readonly wanted: string | undefined }[];
  /** In words: `this publishes`, `events.publish`, `no code publishes`. */
  readonly does: string;
  readonly parameter: string;
  readonly nobody: string;
}

const fits = (held: string, wanted: string): boolean =>
  held === wanted || (held.endsWith("*") && wanted.startsWith(held.slice(0, -1)));

function kindsOf({ id, contributes }: Manifest, uses: readonly ContextUse[]): Kind[] {
  const text = (constant: ContextUse["argument"]): string | undefined =>
    constant?.isWhole === true ? constant.text : undefined;
  const topicOf = (event: string | undefined): string | undefined =>
    event === undefined ? undefined : `${id}/${event}`;
  const targetOf = (plugin: string | undefined, action: string | undefined): string | undefined =>
    plugin === undefined || action === undefined ? undefined : `${plugin}/${action}`;
  const of = (method: string): ContextUse[] => uses.filter((use) => use.method === method);
  return [
    {
      heldBy: ({ events }) => events?.publish,
      uses: of("events.publish").map((at) => ({ at, wanted: topicOf(text(at.argument)) })),
      does: "this publishes",
      parameter: "events.publish",
      nobody: "no code publishes",
    },
    {
      heldBy: ({ events }) => events?.subscribe,
      uses: Object.keys(contributes.subscriptions).map((topic) => ({ at: { subscription: topic }, wanted: topic })),
      does: "this subscribes to",
      parameter: "events.subscribe",
      nobody: "no subscription is to",
    },
    {
      heldBy: ({ plugins }) => plugins?.actions,
      uses: of("plugins.call").map((at) => ({ at, wanted: targetOf(text(at.argument), text(at.action)) })),
      does: "this calls",
      parameter: "plugins.actions",
      nobody: "no code calls",
    },
  ];
}

const requestsOf = ({ permissions }: Manifest): PlatformRequest[] =>
  permissions.filter((each): each is PlatformRequest => each.name === "platform_services");

/** Events, subscriptions and calls of other plugins that no permission of the manifest covers. */
export function platformMissing(manifest: Manifest, uses: readonly ContextUse[]): PermissionFinding[] {
  const requests = requestsOf(manifest);
  return kindsOf(manifest, uses).flatMap((kind) => {
    const held = requests.flatMap((request) => kind.heldBy(request) ?? []);
    return kind.uses.flatMap(({ at, wanted }): PermissionFinding[] => {
      const isHeld = wanted === undefined ? held.length > 0 : held.some((each) => fits(each, wanted));
      const what = wanted ?? "what is not known here";
      const message = `${kind.does} ${what}, which no ${kind.parameter} of a platform_services of the manifest covers`;
      return isHeld ? [] : [{ rule: "permission-missing", at, message }];
    });
  });
}

/** Events, subscriptions and actions that the manifest asks for and nothing uses. Services of other kinds are not judged. */
export function platformTooWide(manifest: Manifest, uses: readonly ContextUse[]): PermissionFinding[] {
  const kinds = kindsOf(manifest, uses);
  return requestsOf(manifest).flatMap((at): PermissionFinding[] => {
    const { events: _events, plugins: _plugins, name: _name, reason: _reason, optional: _optional, ...others } = at;
    const idle = kinds.flatMap((kind) => idleOf(kind, kind.heldBy(at) ?? []));
    const isUsed = kinds.some(({ heldBy, uses: found }) =>
      found.some(({ wanted }) => (heldBy(at) ?? []).some((each) => wanted === undefined || fits(each, wanted))),
    );
    if (!isUsed && Object.keys(others).length === 0)
      return [{ rule: "permission-unused", at, message: "nothing publishes, subscribes or calls what it names" }];
    return idle.map((message) => ({ rule: "permission-over-wide", at, message }));
  });
}

/** What is held and not used, in words; nothing where a use cannot be told. */
function idleOf({ uses, nobody }: Kind, held: readonly string[]): string[] {
  const wanted = uses.map((use) => use.wanted);
  if (wanted.includes(undefined)) return [];
  const known = wanted.filter((each) => each !== undefined);
  return held.flatMap((each) => {
    const used = [...new Set(known.filter((one) => fits(each, one)))].toSorted();
    if (used.length === 0) return [`${nobody} ${each}`];
    return each.endsWith("*") ? [`${each} is more than ${used.join(", ")}`] : [];
  });
}
