import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { pluginDetailSchema, pluginIndexSchema, publishedSchema, registryInfoSchema } from "@berth/spec";

import { makePackage } from "./fixture.ts";
import { testOnEveryStore } from "./stores.ts";

testOnEveryStore("a published release is in the index, the package and the static files at once", async (registry) => {
  const token = await registry.addPublisher("acme");
  const bytes = makePackage({ files: { "README.md": "# CSV tools\n" } });
  const published = await registry.publish({ token, files: { "README.md": "# CSV tools\n" } });
  assert.equal(published.status, 201, JSON.stringify(published.body));
  const { fileDigest, fileSize } = publishedSchema.parse(published.body);
  assert.equal(fileSize, bytes.length);

  const index = await registry.ask("index/plugins/acme/csv-tools.json");
  assert.equal(index.status, 200);
  const { releases, revision } = pluginIndexSchema.parse(index.body);
  assert.equal(revision, 1);
  assert.equal(releases[0]?.fileDigest, fileDigest);
  assert.equal(releases[0]?.scan?.verdict, "clean");

  const file = await registry.ask("packages/acme/csv-tools/acme.csv-tools-1.0.0.berth");
  assert.deepEqual(file.bytes, new Uint8Array(bytes));
  const folder = join(registry.dataDir, "public");
  assert.deepEqual(
    new Uint8Array(await readFile(join(folder, "packages/acme/csv-tools/acme.csv-tools-1.0.0.berth"))),
    file.bytes,
  );
  assert.deepEqual(JSON.parse(await readFile(join(folder, "index/plugins/acme/csv-tools.json"), "utf8")), index.body);
  registryInfoSchema.parse(JSON.parse(await readFile(join(folder, "index/registry.json"), "utf8")));

  const detail = pluginDetailSchema.parse((await registry.ask("api/v1/plugins/acme.csv-tools")).body);
  assert.deepEqual([detail.readme, detail.icon, detail.versions], [true, false, ["1.0.0"]]);
  assert.equal((await registry.ask("api/v1/plugins/acme.csv-tools/readme")).body, "# CSV tools\n");
  assert.equal((await registry.ask("api/v1/plugins/acme.csv-tools/icon")).body.code, "REGISTRY_FILE_UNKNOWN");
  const manifest = await registry.ask("api/v1/plugins/acme.csv-tools/releases/1.0.0");
  assert.equal(manifest.body.id, "acme.csv-tools");

  const again = await registry.publish({ token, files: { "README.md": "# CSV tools\n" } });
  assert.deepEqual([again.status, again.body], [200, published.body]);
});
