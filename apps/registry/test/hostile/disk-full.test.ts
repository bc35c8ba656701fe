import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";

import { formatPublicKey } from "@berth/trust";

import { acme, ask, makePackage } from "../fixture.ts";

const skip = process.platform === "win32" ? "limits on files need a POSIX shell" : false;

test(
  "a package that finds no room is refused, leaves nothing, and the next smaller one goes on",
  { skip },
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "berth-full-"));
    // The limit of the shell stands in for the disk's end: writes beyond it fail, in blocks of 1,024 bytes.
    const command = `ulimit -f 2048; exec "${process.execPath}" "${join(import.meta.dirname, "../serve.ts")}" "${dataDir}"`;
    const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    try {
      const [line] = (await once(createInterface(child.stdout), "line")) as [string];
      const { url, operatorToken } = JSON.parse(line) as { url: string; operatorToken: string };
      const body = { name: "acme", publicKey: formatPublicKey(acme) };
      const made = await ask(url, "api/v1/publishers", { token: operatorToken, body });
      const { token } = (made.body as { token: { token: string } }).token;
      const large = makePackage({ files: { "data.bin": randomBytes(4_000_000) } });
      const refused = await ask(url, "api/v1/packages/acme/csv-tools/1.0.0", { method: "PUT", token, body: large });
      assert.deepEqual([refused.status, refused.body.code], [507, "REGISTRY_DISK_FULL"]);
      assert.deepEqual(await readdir(join(dataDir, "uploads")), []);
      assert.equal((await ask(url, "index/plugins/acme/csv-tools.json")).status, 404);
      const small = await ask(url, "api/v1/packages/acme/csv-tools/1.0.0", {
        method: "PUT",
        token,
        body: makePackage(),
      });
      assert.equal(small.status, 201);
    } finally {
      child.kill("SIGKILL");
      await exited;
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);
