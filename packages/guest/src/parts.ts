import type { LibraryPart } from "./library-part.ts";
import type { Outside, PartMaker } from "./port.ts";

/** Taken before any code of the plugin can replace it. Called by another name it evaluates in the global scope. */
// oxlint-disable-next-line no-eval -- the library's own text, in the realm that plugins are evaluated in
const evaluate = eval;

/** Parts of the library that are loaded when they are first asked for. They run in the plugin's realm, as all of the guest. */
export class Parts {
  readonly #outside: Outside;
  readonly #loaded = new Map<LibraryPart, Record<string, unknown>>();

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /**
   * What the part made, with its names; `argument` is what it is made with. `prepared` is what its script answered
   * with, where somebody evaluated it already.
   */
  get(part: LibraryPart, argument: unknown, prepared?: PartMaker): Record<string, unknown> {
    const known = this.#loaded.get(part);
    if (known !== undefined) return known;
    const make = prepared ?? (evaluate(this.#outside.partScript(part)) as PartMaker);
    const made = make(argument);
    this.#loaded.set(part, made);
    return made;
  }
}
