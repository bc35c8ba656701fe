import assert from "node:assert/strict";
import test from "node:test";

import { Inspector } from "../../src/publish/inspector.ts";

const request = {
  path: "/nowhere",
  plugin: "acme.csv-tools",
  version: "1.0.0",
  repository: "berth",
  keys: [],
  now: "2026-01-01T00:00:00.000Z",
  scanPolicy: {},
};

test(
  "a process that cannot be started refuses its package, and the next one is inspected",
  { timeout: 120_000 },
  async () => {
    const inspector = new Inspector(60_000);
    const { execPath } = process;
    try {
      process.execPath = "/nowhere/node";
      await assert.rejects(inspector.inspect(request), { code: "REGISTRY_INSPECTION_FAILED" });
      process.execPath = execPath;
      // The file does not exist; what matters is that a process read it and answered.
      await assert.rejects(inspector.inspect(request), { code: "INTERNAL" });
    } finally {
      process.execPath = execPath;
      inspector.dispose();
    }
  },
);
