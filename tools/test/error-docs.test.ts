import assert from "node:assert/strict";
import test from "node:test";

import { checkErrorPages, errorPages } from "../error-docs.ts";

test("every code has a page with cause, way out and exit code, and the index names it", async () => {
  const pages = await errorPages();
  const index = pages.get("docs/errors/README.md") ?? "";
  const page = pages.get("docs/errors/CLI_USAGE.md") ?? "";
  assert.match(page, /^# CLI_USAGE\n[\s\S]*\*\*Cause\.\*\*[\s\S]*\*\*Way out\.\*\*[\s\S]*`usage` \(exit code 2\)/);
  assert.match(pages.get("docs/errors/TRUST_KEY_WEAK.md") ?? "", /`denied` \(exit code 4\)/);
  for (const file of pages.keys()) {
    const code = /docs\/errors\/([A-Z0-9_]+)\.md/.exec(file)?.[1];
    if (code !== undefined && code !== "README") assert.ok(index.includes(`[${code}](${code}.md)`), code);
  }
});

test("the pages in docs are those of the tables", async () => {
  assert.deepEqual(await checkErrorPages(), []);
});
