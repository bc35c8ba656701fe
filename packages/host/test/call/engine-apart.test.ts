import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { SECURITY_LEVELS } from "@berth/spec";

import { install, makePackage, withHost } from "../fixture.ts";
import { engineOf, whyNot } from "../levels.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: { echo: (value) => value } };`;

/** Native code that this process has mapped. */
const loaded = (): string => readFileSync("/proc/self/maps", "latin1");

test(
  "the embedding program's process never loads an engine",
  { skip: process.platform !== "linux" && "what a process has loaded is read from Linux's /proc" },
  async () => {
    for (const level of SECURITY_LEVELS) {
      if ((await whyNot(level)) !== undefined) continue;
      await withHost(
        async (host) => {
          await install(
            host,
            makePackage({ code: CODE, manifest: { level, contributes: { actions: { echo: any } } } }),
          );
          assert.equal(await host.call("acme.demo", "echo", level, { caller: "ann" }), level);
        },
        { engines: [engineOf(level)], policy: { level: "minimal" } },
      );
    }
    // It shows what it is looking for: Node itself is there.
    assert.match(loaded(), /\/node\n/);
    assert.doesNotMatch(loaded(), /isolated.vm|koffi/);
  },
);
