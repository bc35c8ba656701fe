import type { PermissionSuggestion } from "@berth/host";
import { formatPermission, permissionOf } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

import type { PermissionFinding } from "./permission-findings.ts";

/**
 * What real runs say beyond the code: a permission that no run used, or one of which runs used less. Nothing is
 * said from runs of which the journal did not keep every different use, nor where there were none.
 */
export function runFindings(
  declared: readonly PermissionRequest[],
  { permissions, unused, uses, isComplete }: PermissionSuggestion,
): PermissionFinding[] {
  if (uses === 0 || !isComplete) return [];
  const text = (request: PermissionRequest): string => formatPermission(permissionOf(request));
  const suggested = new Set(permissions.map(text));
  const idle = new Set(unused.map(text));
  return declared.flatMap((at): PermissionFinding[] => {
    const own = text(at);
    if (idle.has(own))
      return [
        { rule: "permission-unused", at, message: `none of ${uses} different uses in the journal needed ${at.name}` },
      ];
    if (suggested.has(own)) return [];
    const narrower = permissions.filter(({ name }) => name === at.name).map(text);
    return narrower.length === 0
      ? []
      : [{ rule: "permission-over-wide", at, message: `runs so far needed only ${narrower.join(" and ")}` }];
  });
}
