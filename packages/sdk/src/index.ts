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
  };
  readonly log: Log;
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
 * why (`BROKER_QUOTA_EXCEEDED`, `BROKER_REQUEST_INVALID`, `BROKER_NO_CALLER`).
 */
export interface Storage {
  /** The value, or `undefined` when there is none. */
  get(key: string): Promise<unknown>;
  put(key: string, value: Value): Promise<void>;
  /** Whether there was a value. */
  delete(key: string): Promise<boolean>;
  /** Keys in order, at most 1,000 at a time; `after` continues where a list ended. */
  list(options?: { prefix?: string; after?: string; limit?: number }): Promise<{ keys: string[]; hasMore: boolean }>;
}

/** Structured log lines for the operator. `console` writes to the same place. */
export interface Log {
  debug(message: unknown, fields?: unknown): void;
  info(message: unknown, fields?: unknown): void;
  warn(message: unknown, fields?: unknown): void;
  error(message: unknown, fields?: unknown): void;
}

/** What `berth types` writes for a plugin: the types of its actions. */
export interface PluginTypes {
  readonly actions: Readonly<Record<string, { readonly input: unknown; readonly output: unknown }>>;
}

/** A plugin's code: one handler for each action of its manifest. */
export interface PluginDefinition<Types extends PluginTypes> {
  readonly actions: {
    readonly [Name in keyof Types["actions"]]: (
      input: Types["actions"][Name]["input"],
      context: Context,
    ) => Types["actions"][Name]["output"] | Promise<Types["actions"][Name]["output"]>;
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
