import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { DevelopmentFolder, Host, HostEvent, HostOptions } from "@berth/host";
import { Store } from "@berth/store";

import { Host as HostClass } from "../../src/host.ts";
import { assembleParts } from "../../src/host-parts.ts";
import { PackageFolder } from "../../src/install/node-package-folder.ts";
import { readStoredPlugins } from "../../src/lifecycle/stored-plugin.ts";
import { migrations } from "../../src/migrations.ts";
import { makePackage } from "../fixture.ts";

/** Fails the Nth write, before or after it reached the disk, and every one after it when the machine is to have died. */
class Fault {
  readonly #at: number;
  readonly #when: "before" | "after";
  readonly #isFatal: boolean;
  #writes = 0;
  isArmed = false;

  constructor(at: number, when: "before" | "after", isFatal: boolean) {
    this.#at = at;
    this.#when = when;
    this.#isFatal = isFatal;
  }

  get wasReached(): boolean {
    return this.#writes >= this.#at;
  }

  async write<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.isArmed) return work();
    this.#writes += 1;
    const isDead = this.#isFatal && this.#writes > this.#at;
    if (isDead || (this.#writes === this.#at && this.#when === "before")) throw new Error("the write failed");
    const result = await work();
    if (this.#writes === this.#at) throw new Error("the write was done, its answer was lost");
    return result;
  }
}

/** A folder of an author, whose content the test decides. Nothing on the disk changes, so only the test starts a reload. */
class Draft implements DevelopmentFolder {
  readonly path = import.meta.dirname;
  readonly watch = true;
  version = "1.0.0";

  readonly build = async (): Promise<Uint8Array> => makePackage({ version: this.version, signWith: null });
}

/** A host, and what makes it reload its folder, or throws what kept it from that. */
interface Bench {
  readonly host: Host<string>;
  readonly draft: Draft;
  readonly reload: () => Promise<void>;
}

/** A host whose every write to database and package folder passes through the fault. */
async function openFaulty(dataDir: string, fault: Fault): Promise<Bench> {
  await (await openHost({ dataDir, engines: [] })).close();
  const store = await Store.open({ file: join(dataDir, "host.sqlite"), migrations });
  const packages = new PackageFolder(join(dataDir, "packages"));
  const faultyStore = new Proxy(store, {
    get(target, name) {
      if (name === "transaction")
        return (...args: Parameters<Store["transaction"]>) => fault.write(() => target.transaction(...args));
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
  const faultyPackages = new Proxy(packages, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return name === "put" || name === "remove" ? (...args: unknown[]) => fault.write(() => bound(...args)) : bound;
    },
  });
  const draft = new Draft();
  const failures: HostEvent[] = [];
  const options: HostOptions<string> = {
    dataDir,
    engines: [isolate()],
    developmentFolders: [draft],
    onEvent: (event) => void (event.kind === "development" && event.what === "failed" && failures.push(event)),
  };
  const stored = {
    plugins: await readStoredPlugins(store),
    grants: await store.all("SELECT * FROM grants"),
    subscriptions: [],
  };
  const parts = assembleParts(options, faultyStore, faultyPackages, stored);
  const reload = async (): Promise<void> => {
    await parts.developments.begin();
    if (failures.length > 0) throw new Error("the folder was not taken up");
  };
  return { host: new HostClass(options, parts), draft, reload };
}

interface Picture {
  readonly version: string | undefined;
  readonly state: string | undefined;
  readonly stored: unknown;
  readonly files: number;
}

/** What somebody finds who opens the host anew. */
async function pictureOf(dataDir: string): Promise<Picture> {
  const { path, build } = new Draft();
  const host = await openHost<string>({ dataDir, engines: [isolate()], developmentFolders: [{ path, build }] });
  const [found] = await host.list();
  const stored = found?.state === "enabled" ? await host.call("acme.demo", "share", null) : undefined;
  const files = (await readdir(join(dataDir, "packages"))).length;
  await host.close();
  return { version: found?.version, state: found?.state, stored, files };
}

async function install(host: Host<string>, version: string): Promise<void> {
  const plan = await host.plan(makePackage({ version }));
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
}

const NOTHING: Picture = { version: undefined, state: undefined, stored: undefined, files: 0 };
const FIRST: Picture = { version: "1.0.0", state: "enabled", stored: "kept", files: 1 };

const operations: {
  readonly name: string;
  readonly prepare: (host: Host<string>, bench: Bench) => Promise<unknown>;
  readonly run: (host: Host<string>, bench: Bench) => Promise<unknown>;
  readonly before: Picture;
  readonly after: Picture;
}[] = [
  {
    name: "install",
    prepare: async () => undefined,
    run: (host) => install(host, "1.0.0"),
    before: NOTHING,
    after: { ...FIRST, stored: null },
  },
  {
    name: "update",
    prepare: async (host) => (await install(host, "1.0.0"), host.call("acme.demo", "share", "kept")),
    run: (host) => install(host, "1.1.0"),
    before: FIRST,
    after: { ...FIRST, version: "1.1.0" },
  },
  {
    name: "reload",
    async prepare(host, { draft }) {
      const plan = await host.developments.plan(draft.path);
      await host.install(plan, { grant: [], unsigned: plan.contentDigest });
      await host.call("acme.demo", "share", "kept");
      draft.version = "1.1.0";
    },
    run: (_host, { reload }) => reload(),
    before: FIRST,
    after: { ...FIRST, version: "1.1.0" },
  },
  {
    name: "disable",
    prepare: async (host) => (await install(host, "1.0.0"), host.call("acme.demo", "share", "kept")),
    run: (host) => host.disable("acme.demo"),
    before: FIRST,
    after: { ...FIRST, state: "disabled", stored: undefined },
  },
  {
    name: "enable",
    prepare: async (host) => (
      await install(host, "1.0.0"),
      await host.call("acme.demo", "share", "kept"),
      host.disable("acme.demo")
    ),
    run: (host) => host.enable("acme.demo"),
    before: { ...FIRST, state: "disabled", stored: undefined },
    after: FIRST,
  },
  {
    name: "uninstall",
    prepare: async (host) => (await install(host, "1.0.0"), host.call("acme.demo", "share", "kept")),
    run: (host) => host.uninstall("acme.demo"),
    before: FIRST,
    after: NOTHING,
  },
];

for (const { name, prepare, run, before, after } of operations) {
  test(`${name}: whichever write fails, the host is as before or as after, never between`, async () => {
    const outcomes = new Set<string>();
    for (const isFatal of [true, false]) {
      for (const when of ["before", "after"] as const) {
        for (let at = 1; ; at += 1) {
          assert.ok(at < 20, "the operation has an end");
          const dataDir = await mkdtemp(join(tmpdir(), "berth-fault-"));
          const fault = new Fault(at, when, isFatal);
          try {
            const bench = await openFaulty(dataDir, fault);
            const { host } = bench;
            await prepare(host, bench);
            // Writes what is pending, so that only the operation's own writes are counted.
            await host.journal();
            await host.statistics();
            fault.isArmed = true;
            const failed = await run(host, bench).then(
              () => false,
              () => true,
            );
            if (!isFatal) fault.isArmed = false;
            const place = `${when} write ${at}${isFatal ? ", then dead" : ""}`;
            const [alive] = await host.list();
            await host.close();
            const picture = await pictureOf(dataDir);
            const isBefore = picture.version === before.version && picture.state === before.state;
            assert.deepEqual(picture, isBefore ? before : after, place);
            if (!fault.wasReached) {
              assert.equal(failed, false);
              assert.deepEqual(picture, after);
              break;
            }
            outcomes.add(isBefore ? "before" : "after");
            // A host that lives on after a write that did not happen agrees with the disk.
            if (!isFatal && when === "before")
              assert.deepEqual([alive?.version, alive?.state], [picture.version, picture.state], place);
          } finally {
            await rm(dataDir, { recursive: true });
          }
        }
      }
    }
    assert.deepEqual([...outcomes].toSorted(), ["after", "before"]);
  });
}
