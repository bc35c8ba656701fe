import type { DataLabel } from "@berth/spec";

/** For whom and by whom data is asked for. Nothing of it comes from the plugin but its id. */
export interface UserDataScope {
  /** Whose data: the partition of the call. */
  readonly partition: string;
  readonly pluginId: string;
  readonly action: string;
  /** What the user agreed to, in the words of the permission. */
  readonly purpose: string;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Members of one record: JSON's values and bytes. */
export type RecordFields = Readonly<Record<string, unknown>>;

export interface UserRecord {
  readonly id: string;
  readonly fields: RecordFields;
}

/** A question for records. `fields`: those that are given to the plugin, if it named them; others are cut off. */
export interface RecordQuery {
  readonly entity: string;
  readonly fields: readonly string[] | undefined;
}

/** A change of records, checked: names that prototypes have do not occur in it at any depth. */
export interface RecordChange {
  readonly entity: string;
  /** Of what else the plugin knows; absent unless the provider says `takesLabelled`, or when there is nothing. */
  readonly label?: DataLabel;
}

/**
 * Where `ctx.user.data` comes from: the embedding program's own records, by entity. What is left out is refused to
 * plugins. What it throws, plugins do not see: it is told as the host's event `fault`.
 */
export interface UserDataProvider {
  /**
   * Whether it minds what plugins know that write: data of one entity, written to another one, is read with the
   * label of that one. Default false: then whoever has read may not write.
   */
  readonly takesLabelled?: boolean;
  /** One record; `undefined` when there is none of that id. */
  read?(query: RecordQuery & { readonly id: string }, scope: UserDataScope): Promise<RecordFields | undefined>;
  /** Records in an order of its own, at most `limit`; `next`, if there are more, comes back as `after`. */
  list?(
    query: RecordQuery & { readonly after: string | undefined; readonly limit: number },
    scope: UserDataScope,
  ): Promise<{ readonly records: readonly UserRecord[]; readonly next?: string | undefined }>;
  /** Answers with the id. `effectKey` is the same when the same creation is repeated: one record is meant. */
  create?(
    change: RecordChange & { readonly fields: RecordFields; readonly effectKey: string | undefined },
    scope: UserDataScope,
  ): Promise<string>;
  /** Sets the named fields. Does nothing when there is no such record: a write tells nothing of what is there. */
  update?(
    change: RecordChange & { readonly id: string; readonly fields: RecordFields },
    scope: UserDataScope,
  ): Promise<void>;
  delete?(change: RecordChange & { readonly id: string }, scope: UserDataScope): Promise<void>;
}
