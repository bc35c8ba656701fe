import { covers, permissionOf } from "@berth/spec";
import type { Permission, PermissionRequest } from "@berth/spec";

/** The narrowest permissions under which everything that was seen would have worked. */
export interface PermissionSuggestion {
  /** What the manifest could ask for instead, ready to be put there. */
  readonly permissions: readonly PermissionRequest[];
  /** What it asks for and was never seen to use. */
  readonly unused: readonly PermissionRequest[];
  /** Different uses that were seen. */
  readonly uses: number;
  /** False when the journal did not keep every different use: then the suggestion may be too narrow. */
  readonly isComplete: boolean;
}

/**
 * Narrows what a manifest declares to what was used. Lists shrink to the items seen and switches to what was
 * needed; amounts, folders' bounds, purposes and where data may leave to stay as declared, because one run says nothing
 * about the next.
 */
export function suggestPermissions(
  declared: readonly PermissionRequest[],
  uses: readonly Permission[],
  isComplete: boolean,
): PermissionSuggestion {
  const used = new Map<PermissionRequest, Permission[]>();
  for (const use of uses) {
    const by = declared.find((request) => covers(permissionOf(request), use));
    if (by !== undefined) used.set(by, [...(used.get(by) ?? []), use]);
  }
  return {
    permissions: declared
      .filter((request) => used.has(request))
      .map((request) => narrow(request, used.get(request) ?? [])),
    unused: declared.filter((request) => !used.has(request)),
    uses: uses.length,
    isComplete,
  };
}

type Members = Readonly<Record<string, unknown>>;

function narrow(declared: PermissionRequest, uses: readonly Permission[]): PermissionRequest {
  // Narrower than what was declared by construction; the type follows from the declaration's own.
  return narrowMembers(declared, uses as readonly Members[]) as PermissionRequest;
}

function narrowMembers(declared: Members, uses: readonly Members[]): Members {
  const narrowed: Record<string, unknown> = { ...declared };
  for (const [parameter, value] of Object.entries(declared)) {
    const seen = uses.map((use) => use[parameter]).filter((each) => each !== undefined);
    // Where data goes is seen at other services, some of them other plugins', and not where it is read.
    if (parameter === "optional" || parameter === "mayLeaveTo" || seen.length === 0) continue;
    if (Array.isArray(value)) {
      const items = new Map(seen.flat().map((item) => [JSON.stringify(item), item] as const));
      narrowed[parameter] = [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
    } else if (typeof value === "boolean") {
      narrowed[parameter] = seen.includes(true);
    } else if (typeof value === "object" && value !== null) {
      narrowed[parameter] = narrowMembers(value as Members, seen as readonly unknown[] as readonly Members[]);
    }
  }
  return narrowed;
}
