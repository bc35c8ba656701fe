import { formatLockfile } from "@berth/resolver";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { writeWhole } from "../files.ts";
import { LOCKFILE } from "../lockfile.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "write down exactly what is installed, for `berth install --frozen`",
  usage: "[--out FILE]",
  options: { out: { type: "string", value: "FILE", help: `where to write it (default ${LOCKFILE})` } },
  async run(invocation) {
    if (invocation.args.length > 0) throw new CliError("CLI_USAGE", "expected no arguments");
    const lock = await withHost(invocation, (host) => host.lock());
    const file = invocation.text("out") ?? LOCKFILE;
    await writeWhole(file, formatLockfile(lock));
    return {
      json: { ok: true, file, requirements: lock.requirements, releases: lock.releases.length },
      text: `wrote ${lock.releases.length} releases to ${file}`,
    };
  },
};
