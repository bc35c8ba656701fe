import assert from "node:assert/strict";
import test from "node:test";

import { latestOf, readRelease } from "../src/releases.ts";

test("a repository's name cannot change what is asked for", () => {
  const url = "https://api.github.com";
  assert.equal(latestOf(url, "acme/tool"), `${url}/repos/acme/tool/releases/latest`);
  assert.equal(latestOf(url, "acme/a?b#c"), `${url}/repos/acme/a%3Fb%23c/releases/latest`);
});

test("an answer is a release, none, or a problem", () => {
  const text = JSON.stringify({ tag_name: "v1", html_url: "https://github.com/acme/tool/releases/v1", body: "x" });
  assert.deepEqual(readRelease("acme/tool", 200, text), {
    repository: "acme/tool",
    tag: "v1",
    url: "https://github.com/acme/tool/releases/v1",
  });
  assert.equal(readRelease("acme/tool", 404, "not even JSON"), undefined);
  assert.throws(() => readRelease("acme/tool", 401, ""), /answered 401/);
  for (const wrong of ["{}", '{"tag_name":1,"html_url":"x"}', `{"tag_name":"${"v".repeat(201)}","html_url":"x"}`])
    assert.throws(() => readRelease("acme/tool", 200, wrong), /no release/);
  assert.throws(() => readRelease("acme/tool", 200, "<html>"), SyntaxError);
});
