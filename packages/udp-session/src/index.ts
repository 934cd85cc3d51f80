export {
  BASE_PACKET_BYTES,
  MAX_EVENT_BYTES,
  SessionCore,
  type Cipher,
  type FrameEvent,
  type FrameOptions,
  type Received,
  type Role,
  type SessionCrypto,
  type SessionEnvironment,
  type SessionEvent,
  type SessionKeys,
  type SessionOptions,
  type SessionStats,
  type Transmit,
} from './core/index.js';
export { SessionError } from './errors.js';
export { createFec, createScalarFec, createWasmFec, type Fec, type WasmFec } from './fec/index.js';
export { createNodeCrypto } from './node/crypto.js';
export { chooseCrypto, chooseFec, loadAddon } from './node/native.js';
export type { CommonOptions, ConnectOptions } from './node/connect.js';
export type { Endpoint, Tier } from './node/packet-socket.js';
export type { SessionHandle, UdpSessionEvents, UdpSessionStats } from './node/session-handle.js';
export type { ListenOptions, UdpHost } from './node/udp-host.js';
export { UdpSession } from './node/udp-session.js';
