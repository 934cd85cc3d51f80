import { decodeBase64 } from '@millrace/protocol';

import { DOT_WASM } from '../gen/dot-wasm.js';
import { BlockCoder } from './block-coder.js';
import { multiply } from './field.js';
import { MAX_SHARDS, type Combine, type Fec } from './types.js';

const PAGE_BYTES = 65_536;
/** Where the nibble tables end and the addresses of the inputs begin; behind them the coefficients, then room for copies. */
const POINTERS_AT = 8192;
const COEFFICIENTS_AT = POINTERS_AT + 4 * MAX_SHARDS;
const COPIES_AT = COEFFICIENTS_AT + 256 + 4;
/** Shards are worked on in pieces of this size, so that 255 inputs and an output stay within the second-level cache. */
const PIECE_BYTES = 2048;
const COPIES_BYTES = (MAX_SHARDS + 1) * PIECE_BYTES;

type Dot = (dst: number, count: number, ptrs: number, coefs: number, length: number) => void;

/** A WebAssembly Reed-Solomon with memory of its own. */
export interface WasmFec extends Fec {
  readonly kind: 'wasm';
  /** A slab within the memory of the kernel: shards in it are worked on in place, all others are copied in and out. */
  readonly room: Uint8Array;
}

/**
 * Reed-Solomon by a WebAssembly SIMD kernel; undefined where the runtime has no WebAssembly or no SIMD. `roomBytes` (default
 * 0, at most 3 GiB) is the size of `room`.
 */
export function createWasmFec(options: { roomBytes?: number } = {}): WasmFec | undefined {
  const { roomBytes = 0 } = options;
  if (!Number.isInteger(roomBytes) || roomBytes < 0 || roomBytes > 3 * 2 ** 30) {
    throw new RangeError(`roomBytes is 0 to 3 GiB, not ${roomBytes}`);
  }
  const pages = Math.ceil((COPIES_AT + COPIES_BYTES + roomBytes) / PAGE_BYTES);
  const instance = instantiate(pages);
  if (instance === undefined) return undefined;
  const { memory, dot } = instance;
  const bytes = new Uint8Array(memory.buffer);
  for (let factor = 0; factor < 256; factor++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      bytes[32 * factor + nibble] = multiply(factor, nibble);
      bytes[32 * factor + 16 + nibble] = multiply(factor, nibble << 4);
    }
  }
  const coder = new BlockCoder('wasm', kernel(bytes, dot));
  return Object.assign(coder, {
    kind: 'wasm' as const,
    room: bytes.subarray(COPIES_AT + COPIES_BYTES, COPIES_AT + COPIES_BYTES + roomBytes),
  });
}

function kernel(memory: Uint8Array, dot: Dot): Combine {
  const pointers = new Uint32Array(memory.buffer, POINTERS_AT, MAX_SHARDS);
  const inPlace: Combine = (slab, shardBytes, inputs, inputCount, outputs, outputCount, matrix, stride) => {
    for (let i = 0; i < inputCount; i++) pointers[i] = slab.byteOffset + inputs[i]!;
    for (let row = 0; row < outputCount; row++) {
      memory.set(matrix.subarray(row * stride, row * stride + inputCount), COEFFICIENTS_AT);
      dot(slab.byteOffset + outputs[row]!, inputCount, POINTERS_AT, COEFFICIENTS_AT, shardBytes);
    }
  };
  const copied: Combine = (slab, shardBytes, inputs, inputCount, outputs, outputCount, matrix, stride) => {
    const result = COPIES_AT + inputCount * PIECE_BYTES;
    for (let i = 0; i < inputCount; i++) pointers[i] = COPIES_AT + i * PIECE_BYTES;
    for (let from = 0; from < shardBytes; from += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, shardBytes - from);
      for (let i = 0; i < inputCount; i++) {
        const at = inputs[i]! + from;
        memory.set(slab.subarray(at, at + length), COPIES_AT + i * PIECE_BYTES);
      }
      for (let row = 0; row < outputCount; row++) {
        memory.set(matrix.subarray(row * stride, row * stride + inputCount), COEFFICIENTS_AT);
        dot(result, inputCount, POINTERS_AT, COEFFICIENTS_AT, length);
        slab.set(memory.subarray(result, result + length), outputs[row]! + from);
      }
    }
  };
  return (slab, ...rest) => (slab.buffer === memory.buffer ? inPlace : copied)(slab, ...rest);
}

/** What is used of WebAssembly; its types belong to no `lib` that has no browser or system in it. */
interface WebAssemblyApi {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
}

function instantiate(pages: number): { memory: { readonly buffer: ArrayBuffer }; dot: Dot } | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };
  if (WebAssembly === undefined) return undefined;
  let module: object;
  try {
    module = new WebAssembly.Module(decodeBase64(DOT_WASM));
  } catch {
    // The one way to learn that a runtime has no SIMD: it does not compile.
    return undefined;
  }
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, dot: exports['dot'] as Dot };
}
