/** What a plugin may know of the call it serves, and the services it may use. */
export interface Context {
  /** The plugin itself. */
  readonly plugin: { readonly id: string; readonly version: string };
  /** The action that was called. */
  readonly action: string;
  /** Fires when the caller gives up; a plugin that goes on is ended soon after. */
  readonly signal: Signal;
  /** The plugin's own storage, shared by all callers. Needs no permission. */
  readonly storage: Storage;
  readonly user: {
    /** Storage of the caller's partition. */
    readonly storage: Storage;
    readonly data: UserData;
  };
  readonly log: Log;
  /**
   * What the operator set for the plugin, over the defaults of the manifest's `config` schema. A manifest that subscribes
   * to `host/config-changed` names the action that hears of changes. Needs no permission.
   */
  readonly config: { get(): Promise<unknown> };
  /** What the plugin may do now, so that it can offer less instead of failing. */
  readonly permissions: {
    /** Whether the right to all of a permission, written as in a manifest, holds at this moment. */
    has(permission: Readonly<Record<string, Value>>): Promise<boolean>;
  };
  /** The event that the action is called with; `undefined` when it is called otherwise. */
  readonly event: EventFacts | undefined;
  readonly events: {
    /**
     * Tells whoever subscribed, in the caller's partition, of an event that the manifest declares. Needs
     * `platform_services` with `events`. A durable event is on disk when this resolves; its `key`, if given, keeps it
     * from being published twice within 24 hours.
     */
    publish(event: string, value?: Value, options?: { key?: string }): Promise<{ id: string; isNew: boolean }>;
  };
  readonly plugins: {
    /**
     * Calls an action of a plugin that the manifest depends on. Needs `platform_services` with `plugins`. The callee
     * has its own rights, as far as this plugin has them too. A call that fails rejects with `BROKER_CALLEE_FAILED`;
     * `details.code` tells why, and `details.thrown` what the callee threw.
     */
    call(pluginId: string, action: string, input?: Value): Promise<unknown>;
  };
  readonly schedules: Schedules;
  readonly secrets: {
    /**
     * The value of a secret. Needs `secrets_access` with `reveal`; prefer `secretHeaders` of `network_restricted`, which
     * need it without.
     */
    reveal(name: string): Promise<string>;
  };
  readonly files: Files;
  readonly exec: Exec;
  /**
   * Tells whoever called how far the call has come. May be called as often as convenient: some twenty reports a second
   * reach the caller, and the latest one wins. Needs no permission.
   */
  progress(report: ProgressReport): void;
  /** An HTTP request. Needs `network_restricted` (or `network_unrestricted`). */
  fetch(url: string, options?: FetchOptions): Promise<FetchAnswer>;
}

/** How far a call has come. */
export interface ProgressReport {
  /** Units of work that are done, 0 or more. */
  readonly done?: number;
  /** Units of work in all, as far as they are known now. */
  readonly total?: number;
  /** One line for people; what is beyond 200 characters is cut. */
  readonly message?: string;
}

/**
 * Records of the caller's that the embedding program gives to plugins. Needs `user_data_access`, which names entities,
 * fields, verbs, a purpose, and where the data may leave to. After a `get` or `list` the running plugin is labelled
 * until nothing of its memory is left: it sends, writes and logs only where that data may go, and is refused elsewhere
 * with `BROKER_LABEL_DENIED`. A write tells nothing of what is there.
 */
export interface UserData {
  /** The fields of one record, or `undefined`. */
  get(entity: string, id: string, options?: UserDataOptions): Promise<Record<string, unknown> | undefined>;
  /** Up to 1,000 records; `next`, if there are more, goes on as `after`. */
  list(
    entity: string,
    options?: UserDataOptions & { after?: string; limit?: number },
  ): Promise<{ records: { id: string; fields: Record<string, unknown> }[]; next?: string }>;
  /** Answers with the new record's id. */
  create(entity: string, fields: Readonly<Record<string, Value>>, options?: { purpose?: string }): Promise<string>;
  /** Sets these fields, if there is such a record. */
  update(
    entity: string,
    id: string,
    fields: Readonly<Record<string, Value>>,
    options?: { purpose?: string },
  ): Promise<void>;
  delete(entity: string, id: string, options?: { purpose?: string }): Promise<void>;
}

export interface UserDataOptions {
  /** Default: all that were granted. */
  readonly fields?: readonly string[];
  /** Which permission is meant, when the manifest asks for several of the same entity. */
  readonly purpose?: string;
}

/**
 * Actions of the plugin that run by themselves, for the partition of the call that sets them and with no more rights
 * than it has. Needs no permission; 16 are kept in each partition.
 */
export interface Schedules {
  /** Sets a schedule, or sets it anew; answers with the first moment, an ISO instant. */
  set(name: string, schedule: ScheduleOptions): Promise<string>;
  /** Whether there was one. */
  remove(name: string): Promise<boolean>;
  list(): Promise<(Required<Omit<ScheduleOptions, "input">> & { name: string; nextAt: string })[]>;
}

export interface ScheduleOptions {
  /** Minute, hour, day of month, month, day of week: `30 6 * * MON-FRI`. */
  readonly cron: string;
  /** Default UTC. */
  readonly timeZone?: string;
  readonly action: string;
  /** What the action gets, up to 4 KiB of JSON. Default null. */
  readonly input?: Value;
  /** Runs that no host was there for: none is made up for, one is, or each of the last 24. Default `once`. */
  readonly missed?: "skip" | "once" | "all";
}

/**
 * What an action gets that handles `host/config-changed`: the operator set other settings, and `ctx.config.get()` tells
 * them. Needs no permission.
 */
export interface ConfigChange {
  /** Members that are not what they were, by name. */
  readonly changed: readonly string[];
}

/** What an action may know of the event that it handles. */
export interface EventFacts {
  /** Equal when a durable event is delivered again. */
  readonly id: string;
  /** `publisher.name/event`, `app/event` of the embedding program, or `host/config-changed`. */
  readonly topic: string;
  /** ISO instant. */
  readonly publishedAt: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/**
 * Files below the folders that were granted, by absolute path. Links are never followed. Needs
 * `file_system_read`, or `file_system_write` to change anything. Linux only, so far.
 */
export interface Files {
  read(path: string): Promise<Uint8Array>;
  /** Up to 1,000 entries of a folder: files that may be read, and folders. */
  list(path: string): Promise<{ name: string; kind: "file" | "folder" | "other" }[]>;
  /** Writes whole or not at all. A file that is not there is made with `create` only. */
  write(path: string, content: string | Uint8Array, options?: { create?: boolean }): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** A file, or an empty folder. */
  delete(path: string): Promise<void>;
}

/**
 * Programs of the machine, by the templates of the manifest. Needs `system_exec`, and a machine that can hold programs:
 * Linux with bubblewrap.
 */
export interface Exec {
  /**
   * Runs a command, which is one of the manifest's as it stands there, and answers when nothing that it started is
   * left. Every exit code is an answer.
   */
  run(command: readonly string[], options?: ExecOptions): Promise<ExecAnswer>;
}

/** What `Exec.run` gives a command. */
export interface ExecOptions {
  /**
   * A text for each `{name}` of the template. One at the beginning of an argument must not begin with `-`, `+` or `@`;
   * `-` is allowed behind an argument `--`.
   */
  readonly values?: Readonly<Record<string, string>>;
  /** What it reads from its standard input, up to 8 MiB; text is given as UTF-8. Default nothing. */
  readonly input?: string | Uint8Array;
  /** Default: the folder of the permission that names the command. */
  readonly workingDirectory?: string;
  /** Whether it may change files in that folder. Default false. */
  readonly write?: boolean;
  /** Names of the host's variables that it gets, as the host has them. Default none. */
  readonly environment?: readonly string[];
}

/** What came of a command. */
export interface ExecAnswer {
  /** 128 + n when signal n ended it. */
  readonly exitCode: number;
  /** Up to 8 MiB together. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** What `Context.fetch` sends. */
export interface FetchOptions {
  /** Default GET. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  readonly headers?: Readonly<Record<string, string>>;
  /** Up to 8 MiB; text is sent as UTF-8. */
  readonly body?: string | Uint8Array;
  /** `manual` answers with a redirect instead of following it. Default `follow`, up to 5 times. */
  readonly redirect?: "follow" | "manual";
}

/** What came back. Every status is an answer; an error means that there was none. */
export interface FetchAnswer {
  /** After redirects. */
  readonly url: string;
  readonly status: number;
  /** Names in lower case; a header that came several times is joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Up to 16 MiB. */
  readonly body: Uint8Array;
}

/** The part of AbortSignal that exists in every engine. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
  throwIfAborted(): void;
}

/** A value that crosses between plugin and host: JSON's values, and bytes. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value | undefined };

/**
 * Keys and values that outlive the running instance. Keys: 1 to 256 characters. Values: up to 1 MiB each,
 * 10 MiB in all unless the operator says otherwise. Every method rejects with an error whose `code` tells
 * why (`BROKER_QUOTA_EXCEEDED`, `BROKER_REQUEST_INVALID`, `BROKER_NO_CALLER`, `BROKER_CONTENTION`).
 */
export interface Storage {
  /** The value, or `undefined` when there is none. */
  get(key: string): Promise<unknown>;
  put(key: string, value: Value): Promise<void>;
  /** Whether there was a value. */
  delete(key: string): Promise<boolean>;
  /**
   * Puts `value` where `expected` stands, in one step; `undefined` means nothing is stored. Answers whether
   * it did: `false` means that something else stands there now.
   */
  compareAndSet(key: string, expected: Value | undefined, value: Value | undefined): Promise<boolean>;
  /**
   * Up to 100 operations on different keys, all of them or none. Answers `false`, with nothing written,
   * when an `expect` does not hold.
   */
  batch(operations: readonly StorageOperation[]): Promise<boolean>;
  /** Keys in order, at most 1,000 at a time; `after` continues where a list ended. */
  list(options?: { prefix?: string; after?: string; limit?: number }): Promise<{ keys: string[]; hasMore: boolean }>;
}

/** One step of `Storage.batch`. An `expect` without `value` expects that nothing is stored. */
export type StorageOperation =
  | { readonly do: "expect"; readonly key: string; readonly value?: Value | undefined }
  | { readonly do: "put"; readonly key: string; readonly value: Value }
  | { readonly do: "delete"; readonly key: string };

/** Structured log lines for the operator. `console` writes to the same place. */
export interface Log {
  debug(message: unknown, fields?: unknown): void;
  info(message: unknown, fields?: unknown): void;
  warn(message: unknown, fields?: unknown): void;
  error(message: unknown, fields?: unknown): void;
}

/** What `berth types` writes for a plugin: the types of its actions; those that stream have items. */
export interface PluginTypes {
  readonly actions: Readonly<
    Record<
      string,
      { readonly input: unknown; readonly output: unknown } | { readonly input: unknown; readonly item: unknown }
    >
  >;
}

/** What the handler of an action returns: of one that streams an async generator, or anything else to iterate over. */
export type HandlerAnswer<Action> = Action extends { readonly item: infer Item }
  ? OrPromise<AsyncIterable<Item> | Iterable<Item>>
  : Action extends { readonly output: infer Output }
    ? OrPromise<Output>
    : never;

type OrPromise<Answer> = Answer | Promise<Answer>;

/** A plugin's code: one handler for each action of its manifest. */
export interface PluginDefinition<Types extends PluginTypes> {
  readonly actions: {
    readonly [Name in keyof Types["actions"]]: (
      input: Types["actions"][Name]["input"],
      context: Context,
    ) => HandlerAnswer<Types["actions"][Name]>;
  };
}

/**
 * Declares a plugin; the result is the entry's default export.
 *
 * ```ts
 * import { definePlugin } from "@berth/sdk";
 * import type { Plugin } from "./berth.gen.js";
 *
 * export default definePlugin<Plugin>({
 *   actions: { greet: ({ name }) => ({ text: `Hello, ${name}!` }) },
 * });
 * ```
 */
export function definePlugin<Types extends PluginTypes>(definition: PluginDefinition<Types>): PluginDefinition<Types> {
  return definition;
}
