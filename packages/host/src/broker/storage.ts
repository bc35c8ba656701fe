import { quote } from "@berth/base";
import type { Store } from "@berth/store";
import { StoreError } from "@berth/store";
import { concatBytes } from "@berth/base";
import { decodeText, encodeText } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { Service, ServiceCall } from "./service.ts";

const MAX_KEY_LENGTH = 256;
const MAX_VALUE_BYTES = 1_048_576;
const MAX_LIST = 1_000;

/**
 * `ctx.storage` and `ctx.user.storage`: keys and values of one plugin, in the plugin's own area or in that
 * of the caller's partition. Needs no permission; the quota counts keys and values.
 */
export function makeStorageService(store: Store, quotaBytes: number): Service {
  const methods: Record<string, (call: ServiceCall, request: Readonly<Record<string, unknown>>) => Promise<unknown>> = {
    async get(call, request) {
      const [row] = await store.all(
        "SELECT json, bytes FROM storage WHERE plugin_id = ? AND partition = ? AND key = ?",
        [call.pluginId, areaOf(call, request), keyOf(request["key"], "key")],
      );
      return row === undefined ? {} : { value: decodeText(String(row["json"]), splitSections(row["bytes"])) };
    },

    async put(call, request) {
      const area = areaOf(call, request);
      const key = keyOf(request["key"], "key");
      if (!("value" in request))
        throw new HostError(
          "BROKER_REQUEST_INVALID",
          'storage.put: expected a "value"; undefined cannot be stored, use delete',
        );
      const { text, bytes } = encodeText(request["value"]);
      const sections = joinSections(bytes);
      const size = Buffer.byteLength(text) + sections.length + Buffer.byteLength(key);
      if (size > MAX_VALUE_BYTES) {
        throw new HostError(
          "BROKER_REQUEST_INVALID",
          `storage.put: the value of ${quote(key)} has ${size} bytes, at most ${MAX_VALUE_BYTES} are stored`,
        );
      }
      try {
        // One statement checks the quota and writes, so that two puts at once cannot both slip under it.
        await store.transaction([
          {
            sql: `INSERT INTO storage (plugin_id, partition, key, json, bytes, size)
              SELECT ?1, ?2, ?3, ?4, ?5, ?6
              WHERE coalesce((SELECT size FROM storage_usage WHERE plugin_id = ?1 AND partition = ?2), 0)
                - coalesce((SELECT size FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key = ?3), 0) + ?6 <= ?7
              ON CONFLICT DO UPDATE SET json = ?4, bytes = ?5, size = ?6`,
            params: [call.pluginId, area, key, text, sections.length === 0 ? null : sections, size, quotaBytes],
            expectChanges: 1,
          },
        ]);
      } catch (error) {
        if (!(error instanceof StoreError && error.code === "STORE_EXPECTATION")) throw error;
        throw new HostError(
          "BROKER_QUOTA_EXCEEDED",
          `storage.put: ${quote(key)} does not fit into the quota of ${quotaBytes} bytes`,
        );
      }
      return null;
    },

    async delete(call, request) {
      const [result] = await store.transaction([
        {
          sql: "DELETE FROM storage WHERE plugin_id = ? AND partition = ? AND key = ?",
          params: [call.pluginId, areaOf(call, request), keyOf(request["key"], "key")],
        },
      ]);
      return { deleted: (result?.changes ?? 0) > 0 };
    },

    async list(call, request) {
      const { prefix = "", after = "", limit = MAX_LIST } = request;
      const start = prefix === "" ? "" : keyOf(prefix, "prefix");
      const from = after === "" ? "" : keyOf(after, "after");
      if (!Number.isSafeInteger(limit) || (limit as number) < 1) {
        throw new HostError(
          "BROKER_REQUEST_INVALID",
          `storage.list: expected a limit of 1 or more, found ${quote(limit)}`,
        );
      }
      const count = Math.min(limit as number, MAX_LIST);
      const rows = await store.all(
        "SELECT key FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key > ?3 AND substr(key, 1, ?5) = ?4 ORDER BY key LIMIT ?6",
        [call.pluginId, areaOf(call, request), from, start, Array.from(start).length, count + 1],
      );
      const keys = rows.slice(0, count).map((row) => String(row["key"]));
      return { keys, hasMore: rows.length > count };
    },
  };
  const table = new Map(Object.entries(methods));
  return {
    name: "storage",
    async request(call, method, value) {
      const run = table.get(method);
      if (run === undefined) throw new HostError("BROKER_METHOD_UNKNOWN", `storage has no method ${quote(method)}`);
      if (typeof value !== "object" || value === null)
        throw new HostError("BROKER_REQUEST_INVALID", "storage: expected an object");
      return run(call, value as Record<string, unknown>);
    },
  };
}

/** `""` is the plugin's own area; callers' partitions get a mark, so that no name of theirs can be it. */
function areaOf(call: ServiceCall, request: Readonly<Record<string, unknown>>): string {
  if (request["area"] === "plugin") return "";
  if (request["area"] !== "user")
    throw new HostError("BROKER_REQUEST_INVALID", 'storage: expected the area "plugin" or "user"');
  if (call.partition === undefined) {
    throw new HostError(
      "BROKER_NO_CALLER",
      `the action ${call.action} was called without a partition, so there is no storage of the caller's`,
    );
  }
  return `user:${call.partition}`;
}

function keyOf(key: unknown, member: string): string {
  if (
    typeof key === "string" &&
    key.length > 0 &&
    key.length <= MAX_KEY_LENGTH &&
    key.isWellFormed() &&
    !key.includes("\0")
  )
    return key;
  throw new HostError(
    "BROKER_REQUEST_INVALID",
    `storage: expected ${quote(member)} to be a text of 1 to ${MAX_KEY_LENGTH} characters, found ${quote(key)}`,
  );
}

function joinSections(sections: readonly Uint8Array[]): Uint8Array {
  const parts = sections.flatMap((section) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, section.length);
    return [length, section];
  });
  return concatBytes(parts);
}

function splitSections(joined: unknown): Uint8Array[] {
  if (!(joined instanceof Uint8Array)) return [];
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  const sections: Uint8Array[] = [];
  for (let offset = 0; offset < joined.length;) {
    const end = offset + 4 + view.getUint32(offset);
    sections.push(joined.slice(offset + 4, end));
    offset = end;
  }
  return sections;
}
