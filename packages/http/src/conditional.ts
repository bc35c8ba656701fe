/** Whether `If-None-Match` names this entity tag (RFC 9110, section 13.1.2; the weak comparison). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  return header
    .slice(0, 2_000)
    .split(",")
    .map((part) => part.trim())
    .some((part) => part === "*" || part.replace(/^W\//, "") === etag.replace(/^W\//, ""));
}
