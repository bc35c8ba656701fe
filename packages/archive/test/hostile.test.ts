import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";

import fc from "fast-check";

import { ArchiveError, extractArchive, packArchive, readArchive } from "@berth/archive";

import { gzipped, pax, rawEntry, rawTar } from "./tar-builder.ts";
import type { RawEntry } from "./tar-builder.ts";

const refused: readonly (readonly [string, Uint8Array, string])[] = [
  ["an empty file", new Uint8Array(0), "ARCHIVE_NOT_AN_ARCHIVE"],
  ["a zip", new TextEncoder().encode(`PK\u0003\u0004${"\0".repeat(1_000)}`), "ARCHIVE_NOT_AN_ARCHIVE"],
  ["a tar without entries", new Uint8Array(1_024), "ARCHIVE_EMPTY"],
  ["a tar without an end mark", rawTar([{}], 0), "ARCHIVE_TRUNCATED"],
  ["data behind the end mark", Buffer.concat([rawTar([{}]), rawEntry({ name: "b" })]), "ARCHIVE_TRAILING_DATA"],
  ["a body cut short", rawTar([{ body: "x".repeat(600) }], 0).subarray(0, 900), "ARCHIVE_TRUNCATED"],
  ["a wrong checksum", rawTar([{ checksum: 1 }]), "ARCHIVE_NOT_AN_ARCHIVE"],
  ["a wrong checksum later on", rawTar([{}, { name: "b", checksum: 1 }]), "ARCHIVE_HEADER_INVALID"],
  ["a size in base 256", rawTar([{}, { name: "b", sizeField: "\u0080" }]), "ARCHIVE_HEADER_INVALID"],
  ["a negative size", rawTar([{}, { name: "b", sizeField: "-0000000001\0" }]), "ARCHIVE_HEADER_INVALID"],
  ["a size beyond the file", rawTar([{ sizeField: "77777777777\0" }]), "ARCHIVE_TRUNCATED"],
  ["text behind a name", rawTar([{}, { name: "b\0c" }]), "ARCHIVE_HEADER_INVALID"],
  [
    "a GNU header with a prefix",
    rawTar([{}, { name: "b", magic: "ustar  \0", prefix: "p" }]),
    "ARCHIVE_HEADER_INVALID",
  ],
  ["a folder with a body", rawTar([{ name: "d/", type: "5", body: "x" }]), "ARCHIVE_HEADER_INVALID"],
  ["a file with a link name", rawTar([{}, { name: "b", link: "x" }]), "ARCHIVE_HEADER_INVALID"],
  ["two names that differ in a capital ß", rawTar([{ name: "straße" }, { name: "stra\u1e9ee" }]), "ARCHIVE_PATH_TWICE"],
  ...["SUN.holesdata", "SCHILY.realsize", "LIBARCHIVE.symlinktype", "GNU.volume.size"].map(
    (key) =>
      [
        `an extended header with ${key}`,
        rawTar([{ name: "p", type: "x", body: pax(key, "9") }, { body: "x" }]),
        "ARCHIVE_EXTENSION_INVALID",
      ] as const,
  ),
  ["a file named like a folder", rawTar([{ name: "d/" }]), "ARCHIVE_PATH_INVALID"],
  ...["1", "2", "3", "4", "6", "7", "S", "M", "K", "D", "V", "A"].map(
    (type) =>
      [`an entry of type ${type}`, rawTar([{ name: "x", type, link: "/etc/passwd" }]), "ARCHIVE_ENTRY_TYPE"] as const,
  ),
  ...[
    "../x",
    "a/../b",
    "./a",
    "a//b",
    "/etc/x",
    "a\\b",
    "c:x",
    "a\u0001b",
    "a\u202eb",
    "a\u200bb",
    "\ufeffa",
    "a.",
    "a ",
    "a /b",
    "con",
    "NUL.txt",
    "com1.log",
    "AUX .c",
    "PROGRA~1",
    "e\u0301",
    "\ufb01le",
    "a\u00adb",
    "x".repeat(256),
    Array.from({ length: 65 }, () => "d").join("/"),
    "a\ufe0f",
  ].map(
    (name) =>
      [
        `the name ${JSON.stringify(name).slice(0, 30)}`,
        rawTar([{ name: "PaxHeader", type: "x", body: pax("path", name) }, {}]),
        "ARCHIVE_PATH_INVALID",
      ] as const,
  ),
  ["a name that is not UTF-8", rawTar([{ name: new Uint8Array([0x61, 0xff]) }]), "ARCHIVE_PATH_INVALID"],
  ["the same name twice", rawTar([{ name: "a" }, { name: "a" }]), "ARCHIVE_PATH_TWICE"],
  ["names that differ in case", rawTar([{ name: "Readme" }, { name: "README" }]), "ARCHIVE_PATH_TWICE"],
  [
    "names that fold together",
    rawTar([{ name: "PaxHeader", type: "x", body: pax("path", "straße") }, {}, { name: "STRASSE" }]),
    "ARCHIVE_PATH_TWICE",
  ],
  ["a file that is a folder elsewhere", rawTar([{ name: "a" }, { name: "a/b" }]), "ARCHIVE_PATH_TWICE"],
  ["a folder that becomes a file", rawTar([{ name: "a/b" }, { name: "A" }]), "ARCHIVE_PATH_TWICE"],
  ["a global path", rawTar([{ type: "g", body: pax("path", "x") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a PAX link", rawTar([{ type: "x", body: pax("linkpath", "x") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a PAX size that differs", rawTar([{ type: "x", body: pax("size", "5") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a PAX number that is none", rawTar([{ type: "x", body: pax("mtime", "soon") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  [
    "two PAX paths",
    rawTar([{ type: "x", body: pax("path", "a") + pax("path", "b") }, {}]),
    "ARCHIVE_EXTENSION_INVALID",
  ],
  ["a PAX charset", rawTar([{ type: "x", body: pax("hdrcharset", "BINARY") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a PAX sparse file", rawTar([{ type: "x", body: pax("GNU.sparse.major", "1") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a NUL in a PAX value", rawTar([{ type: "x", body: pax("path", "a\0b") }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  ["a PAX record of wrong length", rawTar([{ type: "x", body: "99 path=a\n" }, {}]), "ARCHIVE_EXTENSION_INVALID"],
  [
    "a long name beside a PAX path",
    rawTar([{ type: "x", body: pax("path", "a") }, { type: "L", body: "b\0" }, {}]),
    "ARCHIVE_EXTENSION_INVALID",
  ],
  ["an extension without an entry", rawTar([{}, { type: "x", body: pax("path", "b") }]), "ARCHIVE_EXTENSION_INVALID"],
  [
    "an extension above 64 KiB",
    rawTar([{ type: "x", body: pax("comment", "x".repeat(70_000)) }, {}]),
    "ARCHIVE_EXTENSION_INVALID",
  ],
  [
    "more than 10,000 entries",
    rawTar(Array.from({ length: 10_001 }, (_, index): RawEntry => ({ name: `f${index}` }))),
    "ARCHIVE_TOO_LARGE",
  ],
  ["a bomb", gzipSync(new Uint8Array(300 * 1_048_576)), "ARCHIVE_TOO_LARGE"],
  [
    "two gzip members",
    Buffer.concat([gzipped(rawTar([{}])), gzipped(rawTar([{ name: "b" }]))]),
    "ARCHIVE_TRAILING_DATA",
  ],
  ["a byte behind the gzip member", Buffer.concat([gzipped(rawTar([{}])), new Uint8Array(1)]), "ARCHIVE_TRAILING_DATA"],
  ["a gzip cut short", gzipped(rawTar([{}])).subarray(0, 40), "ARCHIVE_TRUNCATED"],
];

for (const [what, bytes, code] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => readArchive(bytes), { code, kind: "input" });
  });
}

test("accepts long names, odd modes, folders and a single end block", () => {
  const { entries } = readArchive(
    rawTar(
      [
        { name: "d/", type: "5", mode: "0007777\0" },
        { type: "L", body: `${"n".repeat(120)}\0` },
        { body: "hi", mode: "0004755\0" },
        { name: "b", prefix: "deep/er" },
      ],
      1,
    ),
  );
  assert.deepEqual(
    entries.map(({ path, kind, mode }) => [path, kind, mode]),
    [
      ["d", "folder", 0o755],
      ["n".repeat(120), "file", 0o755],
      ["deep/er/b", "file", 0o644],
    ],
  );
});

test("extracts what it read, and leaves nothing of what it refuses", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-archive-"));
  try {
    const target = join(folder, "out");
    await extractArchive(packArchive([{ path: "a/b.txt", bytes: Buffer.from("hello"), mode: 0o755 }]), target);
    assert.equal(await readFile(join(target, "a/b.txt"), "utf8"), "hello");
    for (const path of [target, join(target, "a"), join(target, "a/b.txt")])
      assert.equal((await stat(path)).mode & 0o777, 0o755 & ~process.umask(), path);
    for (const [, bytes] of refused) await assert.rejects(extractArchive(bytes, join(folder, "never")), ArchiveError);
    assert.deepEqual(await readdir(folder), ["out"]);
    await assert.rejects(extractArchive(packArchive([{ path: "x", bytes: Buffer.from("x") }]), target), {
      code: "ARCHIVE_TARGET_UNUSABLE",
    });
    assert.deepEqual(await readdir(folder), ["out"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("random damage to a good archive never does anything but refuse or read", () => {
  const good = rawTar([{ name: "d/", type: "5" }, { type: "x", body: pax("path", "d/ä") }, { body: "x".repeat(700) }]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(good.length),
      (changes, length) => {
        const bytes = Uint8Array.from(good.subarray(0, length));
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        try {
          readArchive(bytes);
        } catch (error) {
          assert.ok(error instanceof ArchiveError, String(error));
        }
      },
    ),
    { numRuns: 3_000 },
  );
});
