// Installs a graph and ends; the parent kills it at a random moment.
import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const [dataDir = "", url = "", range = "*"] = process.argv.slice(2);
const host = await openHost({ dataDir, engines: [isolate()] });
if ((await host.registries.list()).length === 0) await host.registries.add({ name: "tests", url });
process.stdout.write("open\n");
const plan = await host.planGraph({ plugins: { "acme.top": range } });
await host.installGraph(plan, {
  grants: {},
  trustKeys: plan.members.map(({ signer }) => signer.keyId),
  confirmedScans: [],
});
process.stdout.write("installed\n");
await host.close();
