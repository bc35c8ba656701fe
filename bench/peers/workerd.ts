// workerd (npm package `workerd`), which makes a new isolate for each request by its worker loader. Its binary has 120 MB,
// so nothing here depends on it: it takes part where `BERTH_WORKERD` or the search path names one.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js"), (name = "plugin.txt", text = embed "world.js")],
  compatibilityDate = "2025-10-01",
  bindings = [(name = "loader", workerLoader = (id = "bench"))],
);
`;
const MAIN = `import plugin from "plugin.txt";
let next = 0;
export default {
  fetch(request, env) {
    next += 1;
    const world = env.loader.get("world " + next, () => ({
      compatibilityDate: "2025-10-01",
      mainModule: "world.js",
      modules: { "world.js": plugin },
    }));
    return world.getEntrypoint().fetch(request);
  },
};
`;
const SERVE = `export default {
  async fetch(request) { return Response.json(berthPlugin.actions.echo(await request.json())); },
};`;
/** The control stream is the fourth descriptor. */
const CONTROL = 3;

export interface WorkerdPeer {
  /** One request over a connection that stays open. */
  ask(line: string): Promise<string>;
  end(): void;
}

/** `undefined` where there is no workerd. `folder` is for its files. */
export async function openWorkerd(folder: string, pluginCode: string): Promise<WorkerdPeer | undefined> {
  const command = process.env["BERTH_WORKERD"] ?? "workerd";
  if (spawnSync(command, ["--version"]).status !== 0) return undefined;
  await writeFile(join(folder, "config.capnp"), CONFIG);
  await writeFile(join(folder, "main.js"), MAIN);
  await writeFile(join(folder, "world.js"), `${pluginCode}\n${SERVE}`);
  const child = spawn(command, ["serve", "config.capnp", "--experimental", `--control-fd=${CONTROL}`], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [told] = (await once(child.stdio[CONTROL] as Readable, "data")) as [Buffer];
  const [, port] = /"port":(\d+)/.exec(told.toString("latin1")) ?? [];
  if (port === undefined) throw new Error(`workerd told no port but ${told.toString("latin1")}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: (line) =>
      new Promise((resolve, reject) => {
        const asked = request({ host: "127.0.0.1", port, method: "POST", agent }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.once("end", () => resolve(text));
        });
        asked.once("error", reject).end(line);
      }),
    end() {
      agent.destroy();
      child.kill();
    },
  };
}
