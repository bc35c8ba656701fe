import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";

import type { Plan } from "@berth/host";

import { describePlan } from "./plugins.ts";

export interface Options {
  readonly port: number;
  readonly dataDir: string;
  /** Shows a plan, and answers by `--yes` or asks. */
  readonly agree: (plan: Plan) => Promise<boolean>;
}

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "3000" },
      "data-dir": { type: "string", default: ".reading-list" },
      yes: { type: "boolean", default: false },
    },
  });
  return {
    port: Number(values.port),
    dataDir: values["data-dir"],
    async agree(plan) {
      console.error(describePlan(plan));
      if (values.yes) return true;
      if (!process.stdin.isTTY) throw new Error("nobody is there to agree; read the above, then start with --yes");
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await terminal.question("Run it? [y/N] ");
      terminal.close();
      return /^y(es)?$/i.test(answer);
    },
  };
}
