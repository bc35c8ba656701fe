import { isDeepStrictEqual } from "node:util";

import { quote } from "@berth/base";
import { StoreError } from "@berth/store";
import type { Statement, Store } from "@berth/store";
import { decodeText } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { AreaLabels } from "../labels/area-labels.ts";
import { methodTable, nameOf, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceMethod, ServiceRequest } from "./service.ts";
import { StorageCache } from "./storage-cache.ts";
import {
  LIST_KEYS,
  MAX_KEY_LENGTH,
  SELECT_VALUE,
  deleteStatement,
  endOfPrefix,
  expectStatement,
  formatStored,
  putStatement,
  storedValueOf,
} from "./storage-rows.ts";
import type { StorageArea, StoredValue } from "./storage-rows.ts";

const MAX_VALUE_BYTES = 1_048_576;
const MAX_LIST = 1_000;
const MAX_OPERATIONS = 100;
/** How often a batch is tried again after somebody changed a value between its comparison and its writing. */
const MAX_ATTEMPTS = 8;

/** What one batch compares and changes. `value` undefined: nothing under the key. */
interface Batch {
  readonly expected: ReadonlyMap<string, unknown>;
  readonly changes: ReadonlyMap<string, ReturnType<typeof formatStored> | undefined>;
}

/**
 * `ctx.storage` and `ctx.user.storage`: keys and values of one plugin, in the plugin's own area or in that
 * of the caller's partition. Needs no permission; the quota counts keys and values. Whoever asks for
 * anything in an area has its label afterwards, whatever the answer.
 */
export function makeStorageService(store: Store, quotaBytes: number, labels: AreaLabels): Service {
  const cache = new StorageCache();

  async function read(area: StorageArea, key: string): Promise<StoredValue | undefined> {
    const known = cache.get(area, key);
    if (known !== undefined) return known.value;
    const ticket = cache.beginRead(area);
    const [row] = await store.all(SELECT_VALUE, [area.pluginId, area.partition, key]);
    const value = row && storedValueOf(row);
    cache.endRead(ticket, key, value);
    return value;
  }

  /** Answers with the numbers of changed rows, or with the index of the statement that undid everything. */
  async function write(
    { label: { current: label } }: ServiceCall,
    area: StorageArea,
    { changes }: Pick<Batch, "changes">,
    statements: readonly Statement[],
  ): Promise<{ readonly changed: readonly number[] } | { readonly failedAt: number }> {
    const marked = label && (await labels.mark(area, label));
    const ticket = cache.beginWrite(area, changes.keys());
    try {
      // Last, so that the statements before it keep their places.
      const results = await store.transaction(marked === undefined ? statements : [...statements, marked.statement()]);
      cache.endWrite(ticket, new Map([...changes].map(([key, change]) => [key, change && ownCopy(change.stored)])));
      return { changed: results.map((result) => result.changes) };
    } catch (error) {
      cache.abandonWrite(ticket);
      const failedAt =
        error instanceof StoreError && error.code === "STORE_EXPECTATION" && error.details?.["statement"];
      if (typeof failedAt !== "number") throw error;
      return { failedAt };
    } finally {
      marked?.end();
    }
  }

  const labelling =
    (run: ServiceMethod["run"]): ServiceMethod["run"] =>
    async (call, request) => {
      const area = areaOf(call, request);
      try {
        return await run(call, request);
      } finally {
        call.label.add(await labels.of(area));
      }
    };

  const quotaExceeded = (method: string, key: string): HostError =>
    new HostError(
      "BROKER_QUOTA_EXCEEDED",
      `${method}: ${quote(key)} does not fit into the quota of ${quotaBytes} bytes`,
    );

  const looking: Record<string, ServiceMethod["run"]> = {
    async get(call, request) {
      const area = areaOf(call, request);
      const stored = await read(area, keyOf("storage.get", request));
      return stored === undefined ? {} : { value: decodeText(stored.text, stored.bytes) };
    },

    async list(call, request) {
      const { prefix = "", after = "", limit = MAX_LIST } = request;
      const { pluginId, partition } = areaOf(call, request);
      const start = prefix === "" ? "" : keyOf("storage.list", request, "prefix");
      const from = after === "" ? "" : keyOf("storage.list", request, "after");
      if (typeof limit !== "number" || !Number.isSafeInteger(limit) || limit < 1)
        throw requestInvalid("storage.list", `expected a limit of 1 or more, found ${quote(limit)}`);
      const count = Math.min(limit, MAX_LIST);
      const rows = await store.all(LIST_KEYS, [pluginId, partition, from, start, endOfPrefix(start), count + 1]);
      const keys = rows.slice(0, count).map((row) => String(row["key"]));
      return { keys, hasMore: rows.length > count };
    },
  };

  const changing: Record<string, ServiceMethod["run"]> = {
    async put(call, request) {
      const area = areaOf(call, request);
      const key = keyOf("storage.put", request);
      const change = valueOf("storage.put", key, request);
      const changes = new Map([[key, change]]);
      const outcome = await write(call, area, { changes }, [putStatement(area, key, change, quotaBytes)]);
      if ("failedAt" in outcome) throw quotaExceeded("storage.put", key);
      return null;
    },

    async delete(call, request) {
      const area = areaOf(call, request);
      const key = keyOf("storage.delete", request);
      const changes = new Map([[key, undefined]]);
      const outcome = await write(call, area, { changes }, [deleteStatement(area, key)]);
      return { deleted: "changed" in outcome && outcome.changed[0] === 1 };
    },

    /** Several keys at once: everything is compared, then everything is written, or nothing is. */
    async batch(call, request) {
      const area = areaOf(call, request);
      const { expected, changes } = batchOf(request);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const found = new Map<string, StoredValue | undefined>();
        for (const key of expected.keys()) found.set(key, await read(area, key));
        if (![...expected].every(([key, value]) => isSame(found.get(key), value))) return { applied: false };
        const keys = [...expected.keys(), ...changes.keys()];
        const outcome = await write(call, area, { changes }, [
          ...[...found].map(([key, value]) => expectStatement(area, key, value)),
          ...[...changes].map(([key, change]) =>
            change === undefined ? deleteStatement(area, key) : putStatement(area, key, change, quotaBytes),
          ),
        ]);
        if ("changed" in outcome) return { applied: true };
        if (outcome.failedAt >= expected.size) throw quotaExceeded("storage.batch", keys[outcome.failedAt] ?? "");
      }
      throw new HostError(
        "BROKER_CONTENTION",
        `storage.batch: the keys were changed by others each of ${MAX_ATTEMPTS} times; nothing was written`,
      );
    },
  };
  return {
    name: "storage",
    methods: methodTable(eachOf(looking, labelling), eachOf(changing, labelling)),
    release(pluginId) {
      cache.forget(pluginId);
      labels.forget(pluginId);
    },
  };
}

const eachOf = <Value>(
  table: Readonly<Record<string, Value>>,
  change: (value: Value) => Value,
): Record<string, Value> => Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));

function areaOf({ pluginId, action, partition }: ServiceCall, { area }: ServiceRequest): StorageArea {
  if (area === "plugin") return { pluginId, partition: "" };
  if (area !== "user") throw requestInvalid("storage", 'expected the area "plugin" or "user"');
  if (partition === undefined) {
    throw new HostError(
      "BROKER_NO_CALLER",
      `the action ${action} was called without a partition, so there is no storage of the caller's`,
    );
  }
  return { pluginId, partition: `user:${partition}` };
}

const keyOf = (method: string, request: ServiceRequest, member = "key"): string =>
  nameOf(method, request, member, MAX_KEY_LENGTH);

function valueOf(method: string, key: string, request: ServiceRequest): ReturnType<typeof formatStored> {
  if (!("value" in request)) throw requestInvalid(method, 'expected a "value"; undefined cannot be stored, use delete');
  const formatted = formatStored(key, request["value"]);
  if (formatted.size <= MAX_VALUE_BYTES) return formatted;
  throw requestInvalid(
    method,
    `the value of ${quote(key)} has ${formatted.size} bytes, at most ${MAX_VALUE_BYTES} are stored`,
  );
}

function batchOf({ operations }: ServiceRequest): Batch {
  const method = "storage.batch";
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > MAX_OPERATIONS)
    throw requestInvalid(method, `expected 1 to ${MAX_OPERATIONS} operations, found ${quote(operations)}`);
  const expected = new Map<string, unknown>();
  const changes = new Map<string, ReturnType<typeof formatStored> | undefined>();
  for (const each of operations as unknown[]) {
    if (typeof each !== "object" || each === null)
      throw requestInvalid(method, "expected each operation to be an object");
    const operation = each as ServiceRequest;
    const key = keyOf(method, operation);
    const target = operation["do"] === "expect" ? expected : changes;
    if (target.has(key)) throw requestInvalid(method, `${quote(key)} is named twice`);
    if (operation["do"] === "expect") expected.set(key, operation["value"]);
    else if (operation["do"] === "put") changes.set(key, valueOf(method, key, operation));
    else if (operation["do"] === "delete") changes.set(key, undefined);
    else
      throw requestInvalid(method, `expected "do" to be "expect", "put" or "delete", found ${quote(operation["do"])}`);
  }
  return { expected, changes };
}

/** Whether a stored value is the one a plugin expects, whatever the order of members. */
function isSame(stored: StoredValue | undefined, expected: unknown): boolean {
  if (stored === undefined || expected === undefined) return stored === undefined && expected === undefined;
  return isDeepStrictEqual(decodeText(stored.text, stored.bytes), expected);
}

/** Byte arrays of a request are views of a larger buffer, which the cache must not keep alive. */
const ownCopy = ({ text, bytes }: StoredValue): StoredValue => ({ text, bytes: bytes.map((each) => each.slice()) });
