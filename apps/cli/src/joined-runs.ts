import { covers, formatPermission, permissionOf, permissionSchema } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

import type { Runs } from "./runs.ts";

/** What is asked for and when, apart from the words for it. */
export const keyOf = (request: PermissionRequest): string =>
  `${formatPermission(permissionOf(request))}${request.optional ? " (optional)" : ""}`;

export const isSameSet = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify(some.toSorted()) === JSON.stringify(others.toSorted());

/** What the manifest that ran asked for. */
export const askedKeys = ({ suggestion }: Runs): string[] => suggestion.requests.map(({ declared }) => keyOf(declared));

/**
 * Runs, and with them what other journals saw the plugin use within what it asked for here: what one of them saw is
 * needed. Uses are counted, and whether all are known is told, of those that are of the same requests.
 */
export function joinRuns(runs: Runs, known: readonly Runs[]): Runs {
  const asked = runs.suggestion.requests.map(({ declared }) => permissionOf(declared));
  const seen = known
    .filter((each) => each !== runs)
    .flatMap(({ suggestion }) => suggestion.permissions)
    .map((request) => ({ request, at: asked.findIndex((each) => covers(each, permissionOf(request))) }));
  const requests = runs.suggestion.requests.map(({ declared, suggested }, index) => {
    const others = seen.flatMap((each) => (each.at === index ? each.request : []));
    const joined = others.length === 0 ? suggested : unite(declared, [...(suggested ? [suggested] : []), ...others]);
    return { declared, ...(joined !== undefined && { suggested: joined }) };
  });
  const alike = known.filter((each) => isSameSet(askedKeys(each), askedKeys(runs)));
  return {
    ...runs,
    suggestion: {
      permissions: requests.flatMap(({ suggested }) => suggested ?? []),
      unused: requests.filter(({ suggested }) => suggested === undefined).map(({ declared }) => declared),
      requests,
      uses: alike.reduce((sum, { suggestion }) => sum + suggestion.uses, 0),
      isComplete: alike.every(({ suggestion }) => suggestion.isComplete),
    },
  };
}

type Members = Readonly<Record<string, unknown>>;

/** The narrowest request that allows all of these, of which each lies within `declared`; where it cannot be told, that. */
function unite(declared: PermissionRequest, requests: readonly PermissionRequest[]): PermissionRequest {
  const { reason, optional } = declared;
  const united = permissionSchema.safeParse({ ...uniteMembers(declared, requests), reason, optional });
  if (!united.success) return declared; // More than a manifest may name, for one.
  const allowed = permissionOf(united.data);
  const isRight =
    covers(permissionOf(declared), allowed) && requests.every((each) => covers(allowed, permissionOf(each)));
  return isRight ? united.data : declared;
}

/** Items of all lists, switches that one of them has on, and amounts as declared, as in what is suggested. */
function uniteMembers(declared: Members, all: readonly Members[]): Members {
  const united: [string, unknown][] = [];
  for (const [name, value] of Object.entries(declared)) {
    const seen = all.map((members) => members[name]).filter((each) => each !== undefined);
    if (Array.isArray(value)) united.push([name, uniteItems(value, seen.flat())]);
    else if (typeof value === "boolean") united.push([name, seen.includes(true)]);
    else if (typeof value !== "object" || value === null) united.push([name, value]);
    else if (seen.length > 0) united.push([name, uniteMembers(value as Members, seen as Members[])]);
  }
  return Object.fromEntries(united);
}

/** Each once: those that were declared in their order, then the others. */
function uniteItems(declared: readonly unknown[], seen: readonly unknown[]): unknown[] {
  const texts = new Set(seen.map((item) => JSON.stringify(item)));
  const inOrder = [...declared.filter((item) => texts.has(JSON.stringify(item))), ...seen];
  return [...new Map(inOrder.map((item) => [JSON.stringify(item), item])).values()];
}
