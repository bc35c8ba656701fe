import assert from "node:assert/strict";
import test from "node:test";

import { statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { explainRisks } from "../../src/rights/warnings.ts";
import { makePackage, withHost } from "../fixture.ts";

const network = { name: "network_restricted", hosts: ["a.example", "b.example"] };
const open = { name: "network_unrestricted" };
const read = { name: "file_system_read", roots: ["/data"] };
const write = { name: "file_system_write", roots: ["/data"] };
const exec = { name: "system_exec", commands: [{ run: ["/bin/date"] }], workingDirectory: "/data" };
const data = (more: object = {}) => ({ name: "user_data_access", entities: ["contacts"], purpose: "x", ...more });
const secrets = (reveal: boolean) => ({ name: "secrets_access", names: ["one"], reveal });

const dangerous = (...names: string[]): string =>
  `It asks for ${names.join(", ")}, which can harm beyond the plugin's own data.`;

/** Pairs that are worse together, and what is said of them. */
const PAIRS: readonly (readonly [title: string, pair: readonly object[], warnings: readonly string[]])[] = [
  [
    "user data that may leave, with some hosts",
    [data({ mayLeaveTo: ["a.example"] }), network],
    ["It can read your contacts and send them to a.example: check that you want that data to get there."],
  ],
  [
    "user data that may not leave, with some hosts",
    [data(), network],
    [
      "It can read your contacts and talk to a.example, b.example: this host keeps what it has read from being sent there.",
    ],
  ],
  [
    "user data that may leave, with the open network",
    [data({ mayLeaveTo: ["*.example"] }), open],
    [
      "It can read your contacts and send them to *.example: check that you want that data to get there.",
      dangerous("network_unrestricted"),
    ],
  ],
  [
    "user data that may not leave, with the open network",
    [open, data()],
    [
      "It can read your contacts and talk to any host on the internet: this host keeps what it has read from being sent there.",
      dangerous("network_unrestricted"),
    ],
  ],
  ["user data that is only written, with a network", [data({ verbs: ["create"] }), network], []],
  [
    "secrets in clear text, with some hosts",
    [secrets(true), network],
    ["It sees secrets in clear text and talks to a.example, b.example: it could send them there."],
  ],
  [
    "secrets in clear text, with the open network",
    [secrets(true), open],
    [
      "It sees secrets in clear text and talks to any host on the internet: it could send them there.",
      dangerous("network_unrestricted"),
    ],
  ],
  ["secrets that are injected, with some hosts", [secrets(false), network], []],
  [
    "files, with some hosts",
    [read, network],
    ["It can read files of this machine and talk to a.example, b.example: it could send them there."],
  ],
  [
    "files, with the open network",
    [read, open],
    [
      "It can read files of this machine and talk to any host on the internet: it could send them there.",
      dangerous("network_unrestricted"),
    ],
  ],
  [
    "writing files, with running programs",
    [write, exec],
    [
      "It can write files and run programs: what it writes may be what is run.",
      dangerous("file_system_write", "system_exec"),
    ],
  ],
  [
    "running programs, with some hosts",
    [exec, network],
    [
      "It can run programs and talk to a.example, b.example: it may run what it is told from there.",
      dangerous("system_exec"),
    ],
  ],
  ["one dangerous permission alone", [write], [dangerous("file_system_write")]],
  ["user data alone", [data({ mayLeaveTo: ["a.example"] })], []],
  ["files alone", [read], []],
  ["secrets alone", [secrets(true)], []],
  ["hosts alone", [network], []],
  ["nothing", [], []],
];

const parsed = (pair: readonly object[]): Permission[] => pair.map((each) => statedPermissionSchema.parse(each));

for (const [title, pair, warnings] of PAIRS) {
  test(`warns of what is worse together, and of nothing else: ${title}`, () => {
    assert.deepEqual(explainRisks(parsed(pair)), warnings);
  });
}

test("whoever is asked sees the warnings of the plan", async () => {
  for (const [title, pair, warnings] of PAIRS) {
    await withHost(
      async (host) => {
        const permissions = pair.map((each) => ({ ...each, reason: "to test" }));
        const plan = await host.plan(makePackage({ manifest: { permissions, secrets: ["one"] } }));
        assert.deepEqual(plan.warnings, warnings, title);
      },
      { policy: { grants: parsed([open]) } },
    );
  }
});
