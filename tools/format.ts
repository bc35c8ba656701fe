// Formats the sources in place.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { root } from "./workspace.ts";

const { status } = spawnSync(process.execPath, [join(root, "node_modules/oxfmt/bin/oxfmt")], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);
