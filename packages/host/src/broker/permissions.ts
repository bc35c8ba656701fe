import { quote } from "@berth/base";
import { statedPermissionSchema } from "@berth/spec";

import type { Rights } from "../rights/rights.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service } from "./service.ts";

/** Far above any permission that a manifest can hold and short of what would take long to check. */
const MAX_PERMISSION_LENGTH = 65_536;

/** `ctx.permissions`: what the plugin may do now, so that it can offer less instead of failing. */
export function makePermissionsService(rights: Rights): Service {
  return {
    name: "permissions",
    methods: methodTable(
      {
        async has(call, { permission }) {
          // The schema looks at every item, and words a fault for each, before it looks at how many there are.
          if ((JSON.stringify(permission)?.length ?? 0) > MAX_PERMISSION_LENGTH)
            throw requestInvalid("permissions.has", `expected at most ${MAX_PERMISSION_LENGTH} characters of JSON`);
          const parsed = statedPermissionSchema.safeParse(permission);
          if (!parsed.success)
            throw requestInvalid(
              "permissions.has",
              `expected a permission as in a manifest, found ${quote(permission)}`,
            );
          return { has: rights.has(call, parsed.data) };
        },
      },
      {},
    ),
  };
}
