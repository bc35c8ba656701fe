import type { Rights } from "../rights/rights.ts";
import { methodTable, nameOf } from "./service.ts";
import type { Service } from "./service.ts";
import type { Vault } from "./vault.ts";

/** `ctx.secrets`: secrets that the plugin's code may see. Injected ones never pass here. */
export function makeSecretsService(rights: Rights, vault: Vault): Service {
  return {
    name: "secrets",
    methods: methodTable(
      {
        async reveal(call, request) {
          const name = nameOf("secrets.reveal", request, "name", 64);
          await rights.verify(call, { name: "secrets_access", names: [name], reveal: true });
          return { value: await vault.reveal(call.pluginId, name) };
        },
      },
      {},
    ),
  };
}
