/** A module that is not run, and why; the message continues "the module is refused: ". */
export class ModuleRefused extends Error {
  constructor(reason: string) {
    super(`the module is refused: ${reason}`);
    this.name = "ModuleRefused";
  }
}

/** A host function said no. The instance that asked is in the middle of something and does not go on. */
export class CallRefused extends Error {
  /** What the plugin's failure has as `code`. */
  readonly code: string;

  constructor(code: "DENIED" | "LIMIT" | "ABORTED" | "INVALID", message: string) {
    super(message);
    this.name = "CallRefused";
    this.code = code;
  }
}

/** The broker said no, in its own words. */
export class BrokerRefused extends Error {
  /** The code of the broker's report. */
  readonly code: string;

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message);
    this.name = "BrokerRefused";
    this.code = code;
  }
}
