import type { PermissionRequest } from "@berth/spec";

import type { ContextUse } from "./context-uses.ts";
import type { PermissionFinding } from "./permission-findings.ts";

type DataRequest = Extract<PermissionRequest, { name: "user_data_access" }>;
type Verb = DataRequest["verbs"][number];

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["user.data.get", "read"],
  ["user.data.list", "read"],
  ["user.data.create", "create"],
  ["user.data.update", "update"],
  ["user.data.delete", "delete"],
]);

interface DataUse {
  readonly at: ContextUse;
  readonly verb: Verb;
  /** `undefined` when it cannot be told before the program runs. */
  readonly entity: string | undefined;
}

function usesOf(uses: readonly ContextUse[]): DataUse[] {
  return uses.flatMap((at) => {
    const verb = VERBS.get(at.method);
    const entity = at.argument?.isWhole === true ? at.argument.text : undefined;
    return verb === undefined ? [] : [{ at, verb, entity }];
  });
}

const requestsOf = (permissions: readonly PermissionRequest[]): DataRequest[] =>
  permissions.filter((each): each is DataRequest => each.name === "user_data_access");

/** Uses of the user's data that no permission of the manifest covers. */
export function userDataMissing(
  permissions: readonly PermissionRequest[],
  uses: readonly ContextUse[],
): PermissionFinding[] {
  const held = requestsOf(permissions);
  return usesOf(uses).flatMap(({ at, verb, entity }) => {
    const isHeld = held.some(
      ({ verbs, entities }) => verbs.includes(verb) && (entity === undefined || entities.includes(entity)),
    );
    const what = `this does ${verb} on ${entity ?? "data of the user's"}`;
    const message = `${what}, which no user_data_access of the manifest covers`;
    return isHeld ? [] : [{ rule: "permission-missing", at, message }];
  });
}

/** What the manifest asks for of the user's data and no code uses. */
export function userDataTooWide(
  permissions: readonly PermissionRequest[],
  uses: readonly ContextUse[],
): PermissionFinding[] {
  const used = usesOf(uses);
  const areEntitiesKnown = used.every(({ entity }) => entity !== undefined);
  return requestsOf(permissions).flatMap((at): PermissionFinding[] => {
    const ofIt = used.filter(({ entity }) => entity === undefined || at.entities.includes(entity));
    if (ofIt.length === 0)
      return [{ rule: "permission-unused", at, message: `no code uses ${at.entities.join(", ")} of the user's data` }];
    const verbs = at.verbs.filter((verb) => !ofIt.some((use) => use.verb === verb));
    const entities = areEntitiesKnown ? at.entities.filter((name) => !ofIt.some(({ entity }) => entity === name)) : [];
    return [
      ...(entities.length > 0 ? [tooWide(at, `no code uses ${entities.join(", ")}`)] : []),
      ...(verbs.length > 0 ? [tooWide(at, `no code does ${verbs.join(" or ")} on ${at.entities.join(", ")}`)] : []),
    ];
  });
}

const tooWide = (at: PermissionRequest, message: string): PermissionFinding => ({
  rule: "permission-over-wide",
  at,
  message,
});
