import assert from "node:assert/strict";
import test from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

import fc from "fast-check";

import { ArchiveError, packArchive, packPackage, readPackage, replaceEnvelopes } from "@berth/archive";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const files = [
  { path: "plugin.js", bytes: text("var berthPlugin = {};"), mode: 0o755 as const },
  { path: "manifest.json", bytes: text("{}") },
  { path: "lib/ä.txt", bytes: text("é") },
];
const envelopes = new Map([["META/release.dsse", text("signed")]]);

test("gives the same bytes for the same files in any order", () => {
  const { bytes, contentDigest } = packPackage({ files, envelopes });
  assert.deepEqual(packPackage({ files: files.toReversed(), envelopes }).bytes, bytes);
  assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const read = readPackage(bytes);
  assert.equal(read.contentDigest, contentDigest);
  assert.deepEqual([...read.files.keys()], ["lib/ä.txt", "manifest.json", "plugin.js"]);
  assert.equal(read.files.get("plugin.js")?.mode, 0o755);
});

test("signing changes META alone, and no identity", () => {
  const unsigned = packPackage({ files });
  const signed = replaceEnvelopes(unsigned.bytes, envelopes);
  assert.equal(readPackage(signed).contentDigest, unsigned.contentDigest);
  assert.deepEqual(readPackage(signed).envelopes, envelopes);
  assert.deepEqual(replaceEnvelopes(signed, new Map()), unsigned.bytes);
});

test("every flipped bit and every truncation is refused, or changes nothing that counts", () => {
  const { bytes } = packPackage({ files, envelopes });
  const good = readPackage(bytes);
  const essence = (one: ReturnType<typeof readPackage>): unknown => [
    [...one.files],
    [...one.envelopes],
    one.contentDigest,
  ];
  for (let at = 0; at < bytes.length; at += 1) {
    assert.throws(() => readPackage(bytes.subarray(0, at)), ArchiveError, `cut at ${at}`);
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] as number) ^ (1 << bit);
      let read: ReturnType<typeof readPackage>;
      try {
        read = readPackage(damaged);
      } catch (error) {
        assert.ok(error instanceof ArchiveError, `bit ${bit} of byte ${at}: ${String(error)}`);
        continue;
      }
      assert.deepEqual(essence(read), essence(good), `bit ${bit} of byte ${at}`);
    }
  }
});

const list = (entries: object[]): Uint8Array => text(JSON.stringify(entries));
for (const [what, entries, words] of [
  ["without a list", [{ path: "a", bytes: text("x") }], /expected META\/files\.json first/],
  [
    "with a file that the list lacks",
    [
      { path: "META/files.json", bytes: list([]) },
      { path: "a", bytes: text("x") },
    ],
    /"a" is in the package but not in its META/,
  ],
  [
    "with another file than listed",
    [
      { path: "META/files.json", bytes: list([{ mode: 420, path: "a", sha256: "00", size: 1 }]) },
      { path: "a", bytes: text("x") },
    ],
    /"a" is not the file/,
  ],
  [
    "with something else in META",
    [
      { path: "META/files.json", bytes: list([]) },
      { path: "META/run.sh", bytes: text("x") },
    ],
    /does not belong in META/,
  ],
  [
    "with META in another case",
    [
      { path: "META/files.json", bytes: list([]) },
      { path: "a", bytes: text("x") },
      { path: "b/META/x", bytes: text("x") },
    ],
    /./,
  ],
] as const) {
  test(`refuses a package ${what}`, () => {
    const gz = packArchive(entries);
    assert.throws(
      () => readPackage(gz),
      (error: unknown) =>
        error instanceof ArchiveError && error.code === "ARCHIVE_PACKAGE_INVALID" && words.test(error.message),
    );
  });
}

test("refuses a package whose gzip header is not the fixed one, or whose tar is not canonical", () => {
  const { bytes } = packPackage({ files });
  assert.throws(() => readPackage(gzipSync(gunzipSync(bytes), { level: 9 })), { code: "ARCHIVE_PACKAGE_INVALID" });
  const padded = packArchive([...readPackage(bytes).files].map(([path, file]) => ({ path, ...file })));
  assert.throws(() => readPackage(padded), { code: "ARCHIVE_PACKAGE_INVALID" });
});

test("packs any files with good names, and reads them back", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9äß]{0,20}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.uint8Array({ maxLength: 2_000 }), { minKeys: 1, maxKeys: 6 }), (dictionary) => {
      const given = Object.entries(dictionary).map(([path, bytes]) => ({ path: `dir/${path}`, bytes }));
      let packed: Uint8Array;
      try {
        packed = packPackage({ files: given }).bytes;
      } catch (error) {
        assert.ok(error instanceof ArchiveError);
        return;
      }
      const { files: read } = readPackage(packed);
      assert.equal(read.size, given.length);
      for (const { path, bytes } of given)
        assert.deepEqual(new Uint8Array(read.get(path)?.bytes ?? []), new Uint8Array(bytes));
    }),
  );
});
