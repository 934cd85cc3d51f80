import type { AeadAlgorithm, NativeAead } from './aead.js';
import type { NativeErrorCode } from './error.js';
import type { FecKernel, NativeFec } from './fec.js';
import type { SocketDescription } from './socket.js';

declare const handleBrand: unique symbol;

/** A socket in native memory. */
export interface SocketHandle {
  readonly [handleBrand]: true;
}

/** What the compiled module exports. `algorithms` and what belongs to it are missing where there is no AEAD. */
export interface Binding {
  setErrorClass(errorClass: new (code: NativeErrorCode, message: string) => Error): void;
  readonly algorithms?: readonly AeadAlgorithm[];
  readonly createKey: NativeAead['createKey'];
  readonly seal: NativeAead['seal'];
  readonly open: NativeAead['open'];
  readonly kernels: readonly FecKernel[];
  readonly combine: NativeFec['combine'];
  readonly solve: NativeFec['solve'];
  openSocket(
    address: Uint8Array,
    tier: string,
    bufferBytes: number,
    maxPacketBytes: number,
    dontFragment: boolean,
    onWritable: () => void,
  ): SocketHandle;
  send(socket: SocketHandle, slab: Uint8Array, rows: Uint32Array, count: number, addresses: Uint8Array): number;
  receive(
    socket: SocketHandle,
    slab?: Uint8Array,
    rows?: Uint32Array,
    addresses?: Uint8Array,
    onBatch?: (count: number) => void,
  ): void;
  closeSocket(socket: SocketHandle): void;
  hold(socket: SocketHandle, alive: boolean): void;
  localAddress(socket: SocketHandle, address: Uint8Array): void;
  describe(socket: SocketHandle): SocketDescription;
}
