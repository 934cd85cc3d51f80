import { createScalarFec } from './scalar.js';
import { createWasmFec } from './wasm.js';
import type { Fec } from './types.js';

export { createScalarFec } from './scalar.js';
export { createWasmFec, type WasmFec } from './wasm.js';
export { ParityController } from './parity-controller.js';
export { type Fec } from './types.js';

/** The fastest Reed-Solomon of this runtime without native code: WebAssembly with SIMD, else plain TypeScript. */
export function createFec(): Fec {
  return createWasmFec() ?? createScalarFec();
}
