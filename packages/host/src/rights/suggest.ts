import { covers, fitsGlob, permissionOf, permissionSchema } from "@berth/spec";
import type { Permission, PermissionRequest } from "@berth/spec";

import { LISTED, fileLens } from "./file-use.ts";
import { narrowFiles } from "./suggest-files.ts";

/** The narrowest permissions under which everything that was seen would have worked. */
export interface PermissionSuggestion {
  /** What the manifest could ask for instead, ready to be put there. */
  readonly permissions: readonly PermissionRequest[];
  /** What it asks for and was never seen to use. */
  readonly unused: readonly PermissionRequest[];
  /** The same, request by request as the manifest has them. */
  readonly requests: readonly SuggestedRequest[];
  /** Different uses that were seen. */
  readonly uses: number;
  /** False when the journal did not keep every different use: then the suggestion may be too narrow. */
  readonly isComplete: boolean;
}

/** What could stand in the place of one request of a manifest. */
export interface SuggestedRequest {
  readonly declared: PermissionRequest;
  /** Left out: the request was never seen to be used. */
  readonly suggested?: PermissionRequest;
}

/** Steps of comparing paths with globs, over all uses: a fraction of a second. */
const GLOB_STEPS = 50_000_000;

/**
 * Narrows what a manifest declares to what was used. Lists shrink to the items seen, services that were not seen go,
 * and switches are what was needed; amounts, folders' bounds, purposes and where data may leave to stay as declared,
 * because one run says nothing about the next. What is suggested is a manifest's, and covered by what was declared.
 */
export function suggestPermissions(
  declared: readonly PermissionRequest[],
  uses: readonly Permission[],
  isComplete: boolean,
): PermissionSuggestion {
  const used = new Map<PermissionRequest, Permission[]>();
  const budget = { left: GLOB_STEPS };
  for (const use of uses) {
    const by = declared.find((request) => allows(permissionOf(request), use, budget));
    if (by !== undefined) used.set(by, [...(used.get(by) ?? []), use]);
  }
  const requests = declared.map((request): SuggestedRequest => {
    const seen = used.get(request);
    return { declared: request, ...(seen !== undefined && { suggested: narrow(request, seen, budget) }) };
  });
  return {
    permissions: requests.flatMap(({ suggested }) => suggested ?? []),
    unused: requests.filter(({ suggested }) => suggested === undefined).map((each) => each.declared),
    requests,
    uses: uses.length,
    isComplete: isComplete && budget.left >= 0,
  };
}

/** Whether a permission allows a use, seen as the broker sees it. */
function allows(held: Permission, use: Permission, budget: { left: number }): boolean {
  if (use.name !== "file_system_read" && use.name !== "file_system_write") return covers(held, use);
  const [path = ""] = use.roots;
  const seen = fileLens(path, use.globs[0] === LISTED[0], budget, fitsGlob)(held);
  return seen !== undefined && covers(seen, use);
}

type Members = Readonly<Record<string, unknown>>;

function narrow(declared: PermissionRequest, uses: readonly Permission[], budget: { left: number }): PermissionRequest {
  const held = permissionOf(declared);
  const isAllowed = (candidate: Members): boolean => {
    const { success, data } = permissionSchema.safeParse(candidate);
    return success && covers(held, permissionOf(data));
  };
  const members =
    declared.name === "file_system_read" || declared.name === "file_system_write"
      ? { ...declared, ...narrowFiles(declared, uses, isAllowed, budget) }
      : declared;
  const put = (parameters: Members): Members => ({ ...members, ...parameters });
  // Narrower than what was declared: each parameter is, or stays as it was.
  return narrowMembers(members, uses, { put, isAllowed }) as PermissionRequest;
}

interface Whole {
  /** The whole request, with these parameters in place of its own. */
  readonly put: (parameters: Members) => Members;
  /** Whether a request can stand in a manifest and asks for no more than was declared. */
  readonly isAllowed: (candidate: Members) => boolean;
}

/** Parameters that are not narrowed here. Where data goes is seen at other services, some of them other plugins'. */
const KEPT: ReadonlySet<string> = new Set(["optional", "mayLeaveTo", "roots", "globs"]);

function narrowMembers(declared: Members, uses: readonly Members[], whole: Whole): Members {
  const narrowed: Record<string, unknown> = {};
  for (const [parameter, value] of Object.entries(declared)) {
    const seen = uses.map((use) => use[parameter]).filter((each) => each !== undefined);
    if (KEPT.has(parameter)) narrowed[parameter] = value;
    else if (Array.isArray(value))
      narrowed[parameter] = narrowList(value, seen.flat(), (items) => whole.put({ [parameter]: items }), whole);
    else if (typeof value === "boolean") narrowed[parameter] = seen.includes(true);
    else if (typeof value !== "object" || value === null) narrowed[parameter] = value;
    else if (seen.length > 0) {
      const service = value as Members;
      const put = (members: Members): Members => whole.put({ [parameter]: { ...service, ...members } });
      narrowed[parameter] = narrowMembers(service, seen as unknown[] as Members[], { ...whole, put });
    }
  }
  return narrowed;
}

/** The items seen; where a manifest cannot name them, or not so many, those of the declared that allow them. */
function narrowList(
  declared: readonly unknown[],
  seen: readonly unknown[],
  put: (items: readonly unknown[]) => Members,
  { isAllowed }: Whole,
): readonly unknown[] {
  const items = itemsOf(declared, seen);
  if (isAllowed(put(items))) return items;
  // They differ in this one parameter, so that nothing else is compared.
  const allowed = (by: unknown, item: unknown): boolean =>
    covers(put([by]) as unknown as Permission, put([item]) as unknown as Permission);
  return declared.filter((by) => items.some((item) => allowed(by, item)));
}

/** Items that were seen, each once: those that were declared in their order, then the others. */
function itemsOf(declared: readonly unknown[], seen: readonly unknown[]): unknown[] {
  const items = new Map(seen.map((item) => [JSON.stringify(item), item] as const));
  const order = new Map(declared.map((item, index) => [JSON.stringify(item), index] as const));
  const rankOf = (text: string): number => order.get(text) ?? order.size;
  return [...items].toSorted(([a], [b]) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1)).map(([, item]) => item);
}
