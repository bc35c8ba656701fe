import type { ErrorReport } from "@berth/base";

/** A folder with an author's plugin, as the embedding program names it in code. */
export interface DevelopmentFolder {
  readonly path: string;
  /** Makes an unsigned package of the folder, whole or not at all; what it throws is shown to the author. */
  readonly build: (path: string) => Promise<Uint8Array>;
  /**
   * Whether what changes in the folder takes over by itself once somebody has consented to the plugin: then every
   * program that can write there is trusted with what was granted. Default false: each change waits for consent.
   */
  readonly watch?: boolean;
}

/** What a host found in a development folder. */
export interface DevelopmentSummary {
  readonly path: string;
  readonly id: string | undefined;
  readonly version: string | undefined;
  /** Of what the folder held when it was last built. */
  readonly contentDigest: string | undefined;
  /**
   * - `found`: nobody has consented to it
   * - `consented`: exactly this content was consented to
   * - `changed`: other content of the same folder was consented to, and goes on being what runs
   * - `broken`: it could not be built; see `error`
   */
  readonly state: "found" | "consented" | "changed" | "broken";
  readonly error?: ErrorReport;
}
