/** The part of the WebAssembly API that we use (TypeScript declares it only for browsers). */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBufferLike;
  }
  class Module {
    constructor(bytes: ArrayBufferView);
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: object;
  }
}
