import { sanitize } from "@berth/base";
import type { ErrorReport } from "@berth/base";
import { covers, makeDataLabel, meetLabels, permissionOf } from "@berth/spec";
import type { DataLabel, Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Lens, Right } from "../rights/decide-right.ts";
import type { Rights } from "../rights/rights.ts";
import type { RecordFields, UserDataProvider, UserDataScope } from "../user-data-provider.ts";
import { entityOf, fieldNamesOf, fieldsOf, idOf, pageOf } from "./record-values.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceMethod, ServiceRequest } from "./service.ts";
import { formatStored } from "./storage-rows.ts";

type DataPermission = Extract<Permission, { name: "user_data_access" }>;
type Verb = DataPermission["verbs"][number];

const MAX_ANSWER_BYTES = 8 * 1_048_576;
const MAX_ID_LENGTH = 256;
const MAX_CURSOR_LENGTH = 1_024;
const MAX_PURPOSE_LENGTH = 200;
const MAX_TIMER_MS = 2_147_483_647;

/** What the service works on. All of it belongs to the host. */
export interface UserDataParts {
  readonly rights: Rights;
  readonly plugins: PluginTable;
  readonly provider: UserDataProvider | undefined;
  /** Hears what the provider failed with, which plugins do not. */
  readonly onFault: (error: ErrorReport) => void;
}

/** One use of the data, with the right to it. */
interface Access {
  readonly right: Right;
  readonly scope: UserDataScope;
  readonly label: DataLabel;
}

/**
 * `ctx.user.data`: records of the caller's that the embedding program gives to plugins, cut to the fields that
 * the plugin has a right to. Who reads has the label of the right afterwards; a write answers with nothing that
 * it did not bring, so it labels nobody.
 */
export function makeUserDataService({ rights, plugins, provider, onFault }: UserDataParts): Service {
  /**
   * The right to one verb on one entity. `names`: the fields that are wanted, if they are named; else those that the
   * plugin asks for in its manifest, as far as everybody agreed to them.
   */
  async function access(
    call: ServiceCall,
    method: string,
    request: ServiceRequest,
    verb: Verb,
    names: readonly string[] | undefined,
  ): Promise<Access> {
    const { partition } = call;
    if (partition === undefined)
      throw new HostError(
        "BROKER_NO_CALLER",
        `the action ${call.action} was called without a partition, so there is no data of the caller's`,
      );
    const entity = entityOf(method, request);
    const purpose = purposeOf(method, request);
    const wantedFrom = (entry: DataPermission | undefined): DataPermission => ({
      name: "user_data_access",
      entities: [entity],
      fields: [...(names ?? entry?.fields ?? ["*"])],
      verbs: [verb],
      purpose: entry?.purpose ?? purpose ?? "-",
      mayLeaveTo: [],
    });
    const asked = (plugins.manifestOf(call.pluginId)?.permissions ?? [])
      .map(permissionOf)
      .filter((each): each is DataPermission => each.name === "user_data_access")
      .filter((entry) => (purpose === undefined || entry.purpose === purpose) && covers(entry, wantedFrom(entry)));
    // A purpose that nobody agreed to must not stand before one that somebody did.
    const entry = asked.find((each) => rights.has(call, { ...wantedFrom(each), fields: [] })) ?? asked[0];
    const wanted = wantedFrom(entry);
    const right = await rights.verify(call, wanted, names === undefined ? withFieldsOf(wanted) : undefined);
    const signal = AbortSignal.any([call.signal(), AbortSignal.timeout(msLeft(call))]);
    const { pluginId, action } = call;
    return {
      right,
      label: labelOf(right),
      scope: { partition, pluginId, action, purpose: wanted.purpose, signal },
    };
  }

  /** What the provider answers within the time of the call. Its errors are its own. */
  async function ask<Answer>(
    method: string,
    { scope: { signal } }: Access,
    work: (() => Promise<Answer>) | undefined,
  ): Promise<Answer> {
    if (work === undefined)
      throw new HostError("BROKER_USER_DATA_MISSING", `${method}: this host gives plugins nothing of that kind`);
    const late = failed(method, "it took longer than the call");
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(late);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      // In a turn of its own, so that what it throws at once is caught like what it rejects with.
      return await Promise.race([ended, Promise.resolve().then(work)]);
    } catch (error) {
      throw error === late ? late : faultOf(method, "failed", error);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Makes the provider's mistakes faults of its own. */
  function checked<Answer>(method: string, make: () => Answer): Answer {
    try {
      const answer = make();
      const { size } = formatStored("", answer);
      if (size <= MAX_ANSWER_BYTES) return answer;
      throw new TypeError(`the answer has ${size} bytes, at most ${MAX_ANSWER_BYTES} are given to a plugin`);
    } catch (error) {
      throw faultOf(method, "gave what is no record", error);
    }
  }

  /** What the plugin hears of a failure; its cause is told to those whose provider it is. */
  function faultOf(method: string, what: string, error: unknown): HostError {
    const words = error instanceof Error ? sanitize(error.message, 300) : "it threw what is no error";
    onFault({ code: "BROKER_USER_DATA_FAILED", message: `${method}: the provider ${what}: ${words}` });
    return failed(method, `its provider ${what}`);
  }

  const reading: Record<string, ServiceMethod["run"]> = {
    async read(call, request) {
      const method = "userData.read";
      const fields = fieldNamesOf(method, request);
      const id = idOf(method, request);
      const found = await access(call, method, request, "read", fields);
      // Before the data is there, and whatever comes of it: that there is none tells something too.
      call.label.add(found.label);
      const entity = entityOf(method, request);
      const read = provider?.read?.bind(provider);
      const record = await ask(method, found, read && (() => read({ entity, id, fields }, found.scope)));
      return checked(method, () => (record === undefined ? {} : { fields: cut(record, found.right, fields) }));
    },

    async list(call, request) {
      const method = "userData.list";
      const fields = fieldNamesOf(method, request);
      const page = pageOf(method, request);
      const found = await access(call, method, request, "read", fields);
      call.label.add(found.label);
      const query = { entity: entityOf(method, request), fields, ...page };
      const list = provider?.list?.bind(provider);
      const answer = await ask(method, found, list && (() => list(query, found.scope)));
      return checked(method, () => {
        const { records, next } = answer;
        if (records.length > page.limit) throw new TypeError(`${method}: more records than were asked for`);
        const given = records.map((record) => ({
          id: knownId(record.id),
          fields: cut(record.fields, found.right, fields),
        }));
        return next === undefined ? { records: given } : { records: given, next: knownId(next, MAX_CURSOR_LENGTH) };
      });
    },
  };

  const writing: Record<string, ServiceMethod["run"]> = {
    async create(call, request, effectKey) {
      const method = "userData.create";
      const fields = fieldsOf(method, request);
      const found = await access(call, method, request, "create", Object.keys(fields));
      const change = { entity: entityOf(method, request), fields, effectKey, ...labelFor(call) };
      const create = provider?.create?.bind(provider);
      const id = await ask(method, found, create && (() => create(change, found.scope)));
      return checked(method, () => ({ id: knownId(id) }));
    },

    async update(call, request) {
      const method = "userData.update";
      const fields = fieldsOf(method, request);
      const id = idOf(method, request);
      const found = await access(call, method, request, "update", Object.keys(fields));
      const change = { entity: entityOf(method, request), id, fields, ...labelFor(call) };
      const update = provider?.update?.bind(provider);
      await ask(method, found, update && (() => update(change, found.scope)));
      return null;
    },

    async delete(call, request) {
      const method = "userData.delete";
      const id = idOf(method, request);
      const found = await access(call, method, request, "delete", undefined);
      const change = { entity: entityOf(method, request), id, ...labelFor(call) };
      const remove = provider?.delete?.bind(provider);
      await ask(method, found, remove && (() => remove(change, found.scope)));
      return null;
    },
  };

  return { name: "userData", methods: methodTable(reading, writing) };
}

const failed = (method: string, why: string): HostError =>
  new HostError("BROKER_USER_DATA_FAILED", `${method}: the embedding program could not do it: ${why}`);

const msLeft = ({ deadlineAt }: ServiceCall): number =>
  Math.ceil(Math.min(Math.max(deadlineAt - performance.now(), 0), MAX_TIMER_MS));

/** The hosts that every party agreed to. */
function labelOf({ bases }: Right): DataLabel {
  const [first, ...others] = bases.map((base) =>
    makeDataLabel(base.name === "user_data_access" ? base.mayLeaveTo : []),
  );
  return others.reduce(meetLabels, first ?? makeDataLabel([]));
}

/** What a provider that takes labelled data is told of it; the broker let nobody else's pass. */
const labelFor = ({ label: { current } }: ServiceCall): { label?: DataLabel } =>
  current === undefined ? {} : { label: current };

function purposeOf(method: string, { purpose }: ServiceRequest): string | undefined {
  if (purpose === undefined) return undefined;
  if (typeof purpose === "string" && purpose.length > 0 && purpose.length <= MAX_PURPOSE_LENGTH) return purpose;
  throw requestInvalid(method, `expected "purpose" to be a text of 1 to ${MAX_PURPOSE_LENGTH} characters`);
}

/** Shows a held permission as if its fields were those that are wanted, when they have any in common. */
const withFieldsOf =
  (wanted: DataPermission): Lens =>
  (held) => {
    if (held.name !== "user_data_access") return undefined;
    const meets = held.fields.some((field) => wanted.fields.some((each) => fits(field, each) || fits(each, field)));
    return meets ? { ...held, fields: wanted.fields } : undefined;
  };

const fits = (pattern: string, name: string): boolean =>
  pattern === name || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1)));

/** The fields that every party agreed to, and that were named if any were. */
function cut(record: RecordFields, { bases }: Right, names: readonly string[] | undefined): RecordFields {
  if (typeof record !== "object" || record === null || Array.isArray(record))
    throw new TypeError("a record's fields are an object");
  const seen = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(record)) {
    if (names !== undefined && !names.includes(name)) continue;
    const isGranted = bases.every(
      (base) => base.name === "user_data_access" && base.fields.some((field) => fits(field, name)),
    );
    if (isGranted) seen[name] = value;
  }
  return seen;
}

/** An id or a cursor of the provider's, which the plugin can hand back. */
function knownId(id: unknown, max = MAX_ID_LENGTH): string {
  if (typeof id === "string" && id.length > 0 && id.length <= max && id.isWellFormed() && !id.includes("\0")) return id;
  throw new TypeError(`expected an id of 1 to ${max} characters`);
}
