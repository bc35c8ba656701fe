import { relative } from "node:path";

import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { readPluginFolder, writePluginTypes } from "../plugin-folder.ts";

export const command: Command = {
  summary: "write the types of a plugin's actions from its manifest",
  usage: "DIR",
  async run({ args }) {
    const folder = await readPluginFolder(onlyArgument(args, "a plugin's folder"));
    const file = await writePluginTypes(folder);
    return { json: { ok: true, file }, text: `wrote ${relative(process.cwd(), file)}` };
  },
};
