import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { formatJson, printable } from "../src/terminal.ts";

test("escapes whatever moves the cursor or turns words round, and keeps line breaks", () => {
  assert.equal(
    printable("a\u001b[2Jb\r\n\u009bc\u202ed\u0007\te\u200b"),
    "a\\x1b[2Jb\\x0d\n\\x9bc\\u{202e}d\\x07\\x09e\\u{200b}",
  );
});

test("leaves ordinary text of every script as it is", () => {
  for (const text of ["grüß dich", "数据 处理", "naïve 🙂 «ok»", "x".repeat(10_000)])
    assert.equal(printable(text), text);
});

test("JSON for a terminal says the same, and nothing of it is escaped again", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const text = formatJson(value, 2);
      assert.equal(text, printable(text));
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});
