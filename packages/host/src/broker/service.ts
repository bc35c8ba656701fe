/** What the broker knows of the call that a request belongs to. Nothing of it comes from the plugin. */
export interface ServiceCall {
  readonly pluginId: string;
  readonly version: string;
  readonly action: string;
  /** The caller's partition, when the embedding program named one. */
  readonly partition: string | undefined;
}

/** One service behind the broker: `storage.put` reaches the service `storage` with the method `put`. */
export interface Service {
  readonly name: string;
  /** Answers with a value that can cross, or throws a coded error, which the plugin sees. */
  request(call: ServiceCall, method: string, value: unknown): Promise<unknown>;
}
