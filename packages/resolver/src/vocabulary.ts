import { tryParseRange } from "./range.ts";
import type { Range } from "./range.ts";
import { tryParseVersion } from "./version.ts";
import type { Version } from "./version.ts";

/**
 * Versions and ranges of one resolution, each text parsed once. A registry of 80,000 releases spells its
 * quarter of a million requirements with a few hundred texts, and equal texts give the same object, so
 * ranges are compared by identity. Owned by a catalogue: hostile texts live no longer than it does.
 */
export class Vocabulary {
  readonly #versions = new Map<string, Version | undefined>();
  readonly #ranges = new Map<string, Range | undefined>();

  tryVersion(text: string): Version | undefined {
    const known = this.#versions.get(text);
    if (known !== undefined || this.#versions.has(text)) return known;
    const version = tryParseVersion(text);
    this.#versions.set(text, version);
    return version;
  }

  tryRange(text: string): Range | undefined {
    const known = this.#ranges.get(text);
    if (known !== undefined || this.#ranges.has(text)) return known;
    const range = tryParseRange(text);
    this.#ranges.set(text, range);
    return range;
  }
}
