// What engines use of WebAssembly's JavaScript interface. Node has it, but its ambient types leave it out.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }

  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }

  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(limits: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }

  class Global {
    value: number;
  }

  function compile(bytes: Uint8Array): Promise<Module>;

  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
}
