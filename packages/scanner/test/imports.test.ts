import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";

const folder = join(import.meta.dirname, "../src");

test("the scanner's files do not import each other in circles", () => {
  const imports = new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => {
        const text = readFileSync(join(folder, file), "utf8");
        const found = Array.from(text.matchAll(/from "(\.[^"]+)"/gu), ([, path = ""]) => join(dirname(file), path));
        return [file, found] as const;
      }),
  );
  assert.ok(imports.size > 80);
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `circle: ${[...path, file].join(" → ")}`);
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) follow(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) follow(file, []);
});
