export {
  type Cipher,
  KEY_BYTES,
  NONCE_BYTES,
  type PacketGroup,
  type PacketKey,
  SECRET_BYTES,
  type SessionCrypto,
} from './crypto.js';
export { type FrameEvent } from './whole-frame.js';
export { type FrameOptions } from './frame-queue.js';
export { HEADER_BYTES, OVERHEAD_BYTES, TAG_BYTES } from './header.js';
export { BASE_PACKET_BYTES, MAX_EVENT_BYTES } from './items.js';
export { type Role, type SessionKeys, type SessionOptions } from './options.js';
export { type Received } from './receiver.js';
export { type SessionEnvironment, type SessionEvent, type Transmit } from './session-types.js';
export { SessionCore } from './session.js';
export { type SessionStats } from './stats.js';
