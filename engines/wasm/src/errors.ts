/** A module that is not run, and why; the message continues "the module is refused: ". */
export class ModuleRefused extends Error {
  constructor(reason: string) {
    super(`the module is refused: ${reason}`);
    this.name = "ModuleRefused";
  }
}
