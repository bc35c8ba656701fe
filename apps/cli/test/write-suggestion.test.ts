import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, lstat, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isCodedError } from "@berth/base";
import { permissionSchema } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

import { rewriteFile } from "../src/files.ts";
import type { Runs } from "../src/runs.ts";
import { writeSuggestion } from "../src/write-suggestion.ts";

const request = (each: object): PermissionRequest => permissionSchema.parse({ reason: "to test", ...each });
const secrets = (...names: string[]): PermissionRequest => request({ name: "secrets_access", names });
const network = (...hosts: string[]): PermissionRequest => request({ name: "network_restricted", hosts });

/** Pairs of what was declared and what is suggested instead. */
function runsOf(
  pairs: readonly (readonly [PermissionRequest, PermissionRequest?])[],
  { uses = 1, isComplete = true } = {},
): Runs {
  const requests = pairs.map(([declared, suggested]) => ({ declared, ...(suggested && { suggested }) }));
  return {
    dataDir: "",
    id: "acme.words",
    version: "1.0.0",
    suggestion: {
      permissions: pairs.flatMap(([, suggested]) => suggested ?? []),
      unused: pairs.filter(([, suggested]) => suggested === undefined).map(([declared]) => declared),
      requests,
      uses,
      isComplete,
    },
  };
}

function manifestText(permissions: readonly object[], id = "acme.words"): string {
  const manifest = {
    id,
    version: "1.0.1",
    displayName: "Words",
    description: "Words.",
    license: "Apache-2.0",
    categories: ["utilities"],
    capabilities: ["data_processing"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    permissions,
    contributes: {},
  };
  return `${JSON.stringify(manifest, null, 4)}\n`;
}

const WIDE = [
  { name: "secrets_access", names: ["one", "two"], reason: "to sign in" },
  { name: "network_restricted", hosts: ["a.example"], reason: "to ask", optional: true },
];
const declared = WIDE.map(request) as [PermissionRequest, PermissionRequest];
const narrow = runsOf([[declared[0], { ...secrets("one"), reason: "to sign in" }], [declared[1]]]);

async function inFolder(text: string, work: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-write-"));
  try {
    const file = join(folder, "manifest.json");
    await writeFile(file, text);
    await work(folder, file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (isCodedError(error)) return error.code;
    throw error;
  }
  return "none";
};

test("writes what is suggested, keeps the file's mode and the author's new words for a reason", () =>
  inFolder(manifestText([WIDE[1] as object, { ...WIDE[0], reason: "so that you need not" }]), async (folder, file) => {
    await chmod(file, 0o640);
    const { narrowed, removed } = await writeSuggestion(folder, [narrow]);
    assert.deepEqual(narrowed, [
      {
        from: { ...declared[0], reason: "so that you need not" },
        to: { ...secrets("one"), reason: "so that you need not" },
      },
    ]);
    assert.deepEqual(removed, [declared[1]]);
    const kept = [{ name: "secrets_access", names: ["one"], reason: "so that you need not" }];
    assert.equal(await readFile(file, "utf8"), manifestText(kept));
    if (process.platform !== "win32") assert.equal((await lstat(file)).mode & 0o777, 0o640);
    assert.deepEqual(await readdir(folder), ["manifest.json"]);
    // Again: it asks for that already.
    const before = await lstat(file);
    assert.equal((await writeSuggestion(folder, [narrow])).isChanged, false);
    assert.equal((await lstat(file)).ino, before.ino);
  }));

test("of requests that are alike, the one that was used stays", () =>
  inFolder(manifestText([WIDE[0] as object, WIDE[1] as object, WIDE[0] as object]), async (folder, file) => {
    const to = { ...secrets("one"), reason: "to sign in" };
    const kept = { ...network("a.example"), optional: true, reason: "to ask" };
    const { removed } = await writeSuggestion(folder, [
      runsOf([[declared[0], to], [declared[1], kept], [declared[0]]]),
    ]);
    assert.deepEqual(removed, [declared[0]]);
    assert.equal(await readFile(file, "utf8"), manifestText([{ ...WIDE[0], names: ["one"] }, WIDE[1] as object]));
  }));

test("the journal counts that is of the folder, whichever comes first", async () => {
  const [before, now] = [secrets("one", "two"), secrets("one", "two", "three")];
  const old = runsOf([
    [before, secrets("two")],
    [declared[1], declared[1]],
  ]);
  const fresh = runsOf([[now, secrets("three")]], { uses: 2 });
  const unlike = runsOf([[network("z.example"), network("z.example")]], { isComplete: false });
  for (const known of [
    [old, unlike, fresh],
    [fresh, unlike, old],
  ] as const)
    await inFolder(manifestText([{ ...WIDE[0], names: ["one", "two", "three"] }]), async (folder, file) => {
      const { runs } = await writeSuggestion(folder, known);
      assert.deepEqual([runs.suggestion.uses, runs.suggestion.isComplete], [2, true]);
      // The other one saw a use that lies within what the folder asks for.
      assert.equal(await readFile(file, "utf8"), manifestText([{ ...WIDE[0], names: ["two", "three"] }]));
      assert.equal((await writeSuggestion(folder, known)).isChanged, false);
    });
  await inFolder(manifestText([{ ...WIDE[0], names: ["two", "three"] }, WIDE[1] as object]), async (folder) => {
    assert.equal(await codeOf(writeSuggestion(folder, [fresh, old])), "CLI_MANIFEST_DIFFERS");
  });
});

test("what only one of two journals saw stays, and both must have kept everything", async () => {
  const services = (events: object): PermissionRequest => request({ name: "platform_services", events });
  const files = (globs: string[]): PermissionRequest => request({ name: "file_system_read", roots: ["/data"], globs });
  const all = [secrets("one", "two", "three"), network("a.example"), services({ publish: ["a", "b"] }), files(["**"])];
  const [secret, net, service, file] = all as [
    PermissionRequest,
    PermissionRequest,
    PermissionRequest,
    PermissionRequest,
  ];
  const tried = runsOf([
    [secret, secrets("three")],
    [net],
    [service, services({ publish: ["b"] })],
    [file, files(["a"])],
  ]);
  const installed = runsOf([[secret, secrets("one")], [net, net], [service], [file, files(["b/*"])]], { uses: 3 });
  const withoutDefault = (each: object): object => JSON.parse(JSON.stringify(each)) as object;
  for (const known of [
    [tried, installed],
    [installed, tried],
  ] as const) {
    await inFolder(manifestText(all.map(withoutDefault)), async (folder, path) => {
      const { runs, removed } = await writeSuggestion(folder, known);
      assert.deepEqual([runs.suggestion.uses, removed], [4, []]);
      const written = JSON.parse(await readFile(path, "utf8")) as { permissions: Record<string, unknown>[] };
      assert.partialDeepStrictEqual(written.permissions, [
        { names: ["one", "three"] },
        { hosts: ["a.example"] },
        { events: { publish: ["b"] } },
      ]);
      const globs = written.permissions[3]?.["globs"];
      assert.deepEqual(globs, known[0] === tried ? ["a", "b/*"] : ["b/*", "a"]);
    });
    const forgot = known.map((each) =>
      each === installed ? { ...each, suggestion: { ...each.suggestion, isComplete: false } } : each,
    ) as [Runs, Runs];
    await inFolder(manifestText(all.map(withoutDefault)), async (folder) => {
      assert.equal(await codeOf(writeSuggestion(folder, forgot)), "CLI_RUNS_INCOMPLETE");
    });
  }
});

test("refuses manifests that the runs were not of, saying what differs, and runs that tell too little", async () => {
  const cases: readonly (readonly [string, string, Runs, RegExp?])[] = [
    ["CLI_MANIFEST_DIFFERS", manifestText(WIDE, "acme.others"), narrow, /acme\.others, not of acme\.words/],
    ["CLI_MANIFEST_DIFFERS", manifestText([WIDE[0] as object]), narrow, /only 1\.0\.0 asks for: .*a\.example/],
    [
      "CLI_MANIFEST_DIFFERS",
      manifestText([WIDE[0] as object, { ...WIDE[1], hosts: ["b.example"] }]),
      narrow,
      /only the file asks for: .*b\.example[^]*only 1\.0\.0 asks for: .*a\.example/,
    ],
    ["CLI_MANIFEST_DIFFERS", manifestText([WIDE[0] as object, { ...WIDE[1], optional: false }]), narrow],
    ["CLI_MANIFEST_DIFFERS", manifestText([...WIDE, WIDE[0] as object]), narrow],
    ["CLI_RUNS_INCOMPLETE", manifestText(WIDE), runsOf([[declared[0]], [declared[1]]], { uses: 0 })],
    ["CLI_RUNS_INCOMPLETE", manifestText(WIDE), { ...narrow, suggestion: { ...narrow.suggestion, isComplete: false } }],
    ["SPEC_MANIFEST_INVALID", manifestText([{ name: "everything" }]), narrow],
    ["SPEC_MANIFEST_NOT_JSON", `// notes\n${manifestText(WIDE)}`, narrow],
  ];
  for (const [code, text, runs, words = /./] of cases)
    await inFolder(text, async (folder, file) => {
      await assert.rejects(writeSuggestion(folder, [runs]), (error) => {
        assert.ok(isCodedError(error));
        assert.equal(error.code, code);
        assert.match(error.message, words);
        return true;
      });
      assert.equal(await readFile(file, "utf8"), text);
    });
});

test("a suggestion that a manifest cannot hold, or would read otherwise, loses nothing", async () => {
  const files = request({ name: "file_system_read", roots: ["/data"] }) as Extract<
    PermissionRequest,
    { name: "file_system_read" }
  >;
  const cases: readonly (readonly [string, PermissionRequest])[] = [
    ["SPEC_MANIFEST_INVALID", { ...files, globs: ["../x"] }],
    ["SPEC_MANIFEST_TOO_LARGE", { ...files, globs: ["x".repeat(300_000)] }],
    ["SPEC_MANIFEST_INVALID", { ...files, more: true } as PermissionRequest],
  ];
  for (const [code, to] of cases)
    await inFolder(manifestText([files]), async (folder, file) => {
      assert.equal(await codeOf(writeSuggestion(folder, [runsOf([[files, to]])])), code);
      assert.equal(await readFile(file, "utf8"), manifestText([files]));
      assert.deepEqual(await readdir(folder), ["manifest.json"]);
    });
});

test("neither follows nor replaces a link, and leaves what lies beside", { skip: process.platform === "win32" }, () =>
  inFolder(manifestText(WIDE), async (folder, file) => {
    const elsewhere = await mkdtemp(join(tmpdir(), "berth-write-"));
    try {
      const link = join(elsewhere, "manifest.json");
      await symlink(file, link);
      assert.equal(await codeOf(writeSuggestion(elsewhere, [narrow])), "CLI_FILE_UNWRITABLE");
      assert.ok((await lstat(link)).isSymbolicLink());
      assert.equal(await readFile(file, "utf8"), manifestText(WIDE));
      // The place of the temporary file is taken, by a link to what must stay.
      const beside = `${file}.${process.pid}.new`;
      await symlink(join(elsewhere, "precious"), beside);
      await writeFile(join(elsewhere, "precious"), "mine");
      assert.equal(await codeOf(writeSuggestion(folder, [narrow])), "CLI_FILE_UNWRITABLE");
      assert.equal(await readFile(join(elsewhere, "precious"), "utf8"), "mine");
      assert.ok((await lstat(beside)).isSymbolicLink());
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  }),
);

test("what an editor saved meanwhile stays", () =>
  inFolder("as it is now", async (folder, file) => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    assert.equal(await codeOf(rewriteFile(file, bytes("as it was"), bytes("ours"))), "CLI_FILE_UNWRITABLE");
    assert.equal(await readFile(file, "utf8"), "as it is now");
    assert.deepEqual(await readdir(folder), ["manifest.json"]);
  }));

/** Rewrites a file as a user who has no more than one group and is no administrator. */
function rewriteAsNobody(file: string): { readonly code: string; readonly message: string } {
  const script = `
    const { rewriteFile } = await import(${JSON.stringify(new URL("../src/files.ts", import.meta.url).href)});
    const { readFile } = await import("node:fs/promises");
    process.setgroups([${NOBODY}, ${SHARED}]);
    process.setgid(${NOBODY});
    process.setuid(${NOBODY});
    const file = ${JSON.stringify(file)};
    const answer = await rewriteFile(file, await readFile(file), Buffer.from("ours")).then(
      () => ({ code: "none", message: "" }),
      ({ code, message }) => ({ code, message }),
    );
    console.log(JSON.stringify(answer));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as { code: string; message: string };
}

const [NOBODY, SHARED, OTHER] = [65_534, 4_242, 4_343];

test(
  "owner and group stay, also when a member of the group writes; where they cannot, nothing is written",
  { skip: process.getuid?.() === 0 ? false : "only an administrator can make files of others" },
  async () => {
    for (const [uid, gid, isWritten] of [
      [NOBODY, NOBODY, true],
      [NOBODY, SHARED, true],
      [NOBODY, OTHER, false],
      [OTHER, SHARED, false],
    ] as const)
      await inFolder("before", async (folder, file) => {
        await chown(folder, NOBODY, NOBODY);
        await chown(file, uid, gid);
        await chmod(file, 0o664);
        const { code, message } = rewriteAsNobody(file);
        const about = await lstat(file);
        assert.deepEqual([about.uid, about.gid, about.mode & 0o777], [uid, gid, 0o664]);
        assert.equal(await readFile(file, "utf8"), isWritten ? "ours" : "before");
        assert.equal(code, isWritten ? "none" : "CLI_FILE_UNWRITABLE");
        if (!isWritten) assert.match(message, new RegExp(`stays with user ${uid} and group ${gid} \\(EPERM\\)`));
        assert.deepEqual(await readdir(folder), ["manifest.json"]);
      });
  },
);
