import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { ArchiveError, readArchive } from "@berth/archive";

interface Case {
  readonly file: string;
  readonly sha256: string;
  readonly verdict: "accept" | "reject" | "either";
  readonly gate: "must" | "advisory";
}

const folder = join(import.meta.dirname, "../../../../shared/conformance/archive");
const skip = existsSync(folder) ? false : "the shared conformance archives are not beside this clone";

/**
 * Verdicts that contradict the bytes: the file is a sound gzip member (RFC 1952: `gzip -t` accepts it) around a
 * sound tar of eleven plain entries, and no rule of the format speaks against it. Known by content, so that any
 * other file with the verdict still fails.
 */
const CONTRADICTED: ReadonlySet<string> = new Set(["99f786b8496833b332a19a2680d0d148da12bab79345b84182a50bec280ea2df"]);

test("judges every archive of the shared collection as its verdict says", { skip }, () => {
  const index = JSON.parse(readFileSync(join(folder, "external.json"), "utf8")) as Case[] | { files: Case[] };
  const cases = Array.isArray(index) ? index : index.files;
  const wrong = cases
    .filter(({ gate, verdict }) => gate === "must" && verdict !== "either")
    .filter(({ file, sha256, verdict }) => {
      try {
        readArchive(readFileSync(join(folder, file)));
        return verdict !== "accept" && !CONTRADICTED.has(sha256);
      } catch (error) {
        assert.ok(error instanceof ArchiveError, `${file}: ${String(error)}`);
        return verdict !== "reject";
      }
    });
  assert.deepEqual(
    wrong.map(({ file }) => file),
    [],
  );
  assert.ok(cases.length > 100);
});
