export { AEAD_ROW_WORDS, TAG_BYTES, type AeadAlgorithm, type AeadKey, type NativeAead } from './aead.js';
export { ADDRESS_BYTES, readAddress, writeAddress, type SocketAddress } from './address.js';
export { NativeError, type NativeErrorCode } from './error.js';
export { MAX_SHARDS, type FecKernel, type NativeFec } from './fec.js';
export { loadNative, type NativeAddon } from './load.js';
export {
  MAX_SEND_BYTES,
  MAX_SLOTS,
  SOCKET_ROW_WORDS,
  type NativeSocket,
  type SocketOptions,
  type SocketStats,
  type Tier,
} from './socket.js';
