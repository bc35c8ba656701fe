import { rmdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { quote } from "@berth/base";
import { isIdPart } from "@berth/spec";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { makeFolder, resolveFolder, writeWhole } from "../files.ts";
import { readPluginFolder, writePluginTypes } from "../plugin-folder.ts";
import { templateFiles } from "../template/action.ts";

export const command: Command = {
  summary: "start a new plugin in a folder of its own",
  usage: "NAME [--publisher NAME] [--template typescript|javascript]",
  options: {
    publisher: { type: "string", value: "NAME", help: "your name as a publisher (default: example)" },
    template: { type: "string", value: "KIND", help: "typescript (default) or javascript" },
  },
  async run({ args, text }) {
    const [target, ...rest] = args;
    if (target === undefined || rest.length > 0) throw new CliError("CLI_USAGE", "expected the name of the new plugin");
    const folder = resolveFolder(target, "the name of the new plugin");
    const name = folder.split(/[\\/]/).at(-1) ?? "";
    const publisher = text("publisher") ?? "example";
    const language = text("template") ?? "typescript";
    for (const [what, part] of [
      ["plugin", name],
      ["publisher", publisher],
    ] as const) {
      if (!isIdPart(part))
        throw new CliError(
          "CLI_USAGE",
          `a ${what}'s name is 2 to 64 lower-case letters, digits and hyphens, found ${quote(part)}`,
        );
    }
    if (language !== "typescript" && language !== "javascript")
      throw new CliError("CLI_USAGE", `expected the template typescript or javascript, found ${quote(language)}`);
    await makeEmpty(folder);
    const sdk = fileURLToPath(import.meta.resolve("@berth/sdk"));
    const globalsPath = join(dirname(sdk), "..", "globals.d.ts");
    for (const [path, content] of templateFiles({ publisher, name, language, sdkPath: sdk, globalsPath })) {
      await makeFolder(dirname(join(folder, path)));
      await writeWhole(join(folder, path), content);
    }
    await writePluginTypes(await readPluginFolder(folder));
    const shown = relative(process.cwd(), folder) || ".";
    return {
      json: { ok: true, folder, id: `${publisher}.${name}` },
      text: [
        `created ${publisher}.${name} in ${shown}`,
        `next: edit ${shown}/src/plugin.${language === "typescript" ? "ts" : "js"}, then`,
        `  berth pack ${shown}`,
      ].join("\n"),
    };
  },
};

/** Creates the folder, or accepts one that is there and empty. */
async function makeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT")
      throw new CliError("CLI_TARGET_EXISTS", `${quote(folder, 200)} exists and is not an empty folder`, {
        cause: error,
      });
  }
  await makeFolder(folder);
}
