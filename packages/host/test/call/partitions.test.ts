import assert from "node:assert/strict";
import test from "node:test";

import { SECURITY_LEVELS } from "@berth/spec";

import { install, makePackage, withHost } from "../fixture.ts";
import { engineOf, whyNot } from "../levels.ts";

const any = { input: true, output: true };
/** Remembers in a variable of its module, in a global and on a prototype. */
const CODE = `var here = []; globalThis.there = []; Array.prototype.everywhere = [];
  var berthPlugin = { actions: { keep: (value) => {
    for (const kept of [here, there, [].everywhere]) kept.push(value);
    return [...here, ...there, ...[].everywhere];
  } } };`;

for (const level of SECURITY_LEVELS) {
  test(`${level}: what a plugin keeps in memory for one partition never serves another`, async (t) => {
    const reason = await whyNot(level);
    if (reason !== undefined) return t.skip(reason);
    await withHost(
      async (host) => {
        await install(host, makePackage({ code: CODE, manifest: { level, contributes: { actions: { keep: any } } } }));
        const people = ["ann", "bob", "eve"];
        for (let round = 0; round < 3; round += 1) {
          const answers = await Promise.all(
            people.map((caller) => host.call("acme.demo", "keep", caller, { caller }) as Promise<string[]>),
          );
          for (const [at, answer] of answers.entries()) assert.deepEqual(new Set(answer), new Set([people[at]]));
        }
        // Nor the embedding program's own calls, which have no caller.
        assert.deepEqual(new Set((await host.call("acme.demo", "keep", "program")) as string[]), new Set(["program"]));
      },
      { engines: [engineOf(level)], policy: { level: "minimal" } },
    );
  });
}
