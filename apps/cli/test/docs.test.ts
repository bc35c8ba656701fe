// What the README and the guide tell their readers to type, typed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import test, { after } from "node:test";

import { templateFiles } from "../src/template/action.ts";

const root = join(import.meta.dirname, "../../..");
const onWindows = process.platform === "win32" && "the tour is written for a POSIX shell";

/** The shell lines of a document's section, or of all of it. */
function shellLines(file: string, section = ""): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const from = text.indexOf(section);
  assert.ok(from >= 0, `${file} has no ${section}`);
  const end = section === "" ? -1 : text.indexOf("\n## ", from + section.length);
  const part = end < 0 ? text.slice(from) : text.slice(from, end);
  return [...part.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) => block.trimEnd().split("\n"));
}

/** Runs the lines in a folder that looks like a clone. Where the reader answers `y`, the options say the same. */
function runLines(lines: readonly string[]): string {
  const clone = mkdtempSync(join(tmpdir(), "berth-docs-"));
  after(() => rmSync(clone, { recursive: true }));
  for (const name of ["bin", "examples", "tools"]) symlinkSync(join(root, name), join(clone, name));
  const script = ["set -e"];
  for (const line of lines) {
    const [, berth, file] = /^(\S*berth) install (\S+)$/.exec(line) ?? [];
    if (berth === undefined) script.push(line);
    else {
      // A plugin that comes from the registry was signed with the same key as the files.
      const about = file?.endsWith(".berth") === true ? `verify ${file}` : "keys show";
      script.push(`${line} --yes --trust "$(${berth} ${about} --json | sed 's/.*"keyId":"\\([^"]*\\)".*/\\1/')"`);
    }
  }
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script.join("\n")], {
    cwd: clone,
    encoding: "utf8",
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

/** Another program may listen where the README's registry would. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("the README's tour works", { skip: onWindows }, async () => {
  const port = String(await freePort());
  const lines = shellLines("README.md", "## A tour").map((line) => line.replaceAll("18200", port));
  assert.ok(lines.filter((line) => line.startsWith("berth ")).length >= 10, "the tour was found");
  // Interactive zsh takes a comment behind a command for arguments.
  for (const line of lines) assert.doesNotMatch(line, / #/, line);
  const output = runLines(lines);
  assert.match(output, /"words": 4,\s+"uses": 1/);
  assert.match(output, /"weather": "snow",\s+"count": 26,\s+"mean_temp_max": 5\.57/);
  assert.match(output, /call +berth\.data-processor aggregate: ok/);
});

test("the guide to the first plugin works, and shows the code that `berth create` writes", { skip: onWindows }, () => {
  const lines = shellLines("docs/guide/first-plugin.md").map((line) =>
    line.replace("keys create", "keys create --no-passphrase"),
  );
  assert.match(runLines(lines), /"words": 3,\s+"uses": 1/);
  const code = new Map(
    templateFiles({ publisher: "you", name: "hello", language: "typescript", sdkPath: "", globalsPath: "" }),
  );
  const [, shown] =
    /^```ts\n([\s\S]*?)^```/m.exec(readFileSync(join(root, "docs/guide/first-plugin.md"), "utf8")) ?? [];
  assert.equal(shown, code.get("src/plugin.ts"));
});
