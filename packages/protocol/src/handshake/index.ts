export {
  ANSWER_BYTES,
  call,
  CALL_BYTES,
  openCall,
  type Call,
  type CalleeIdentity,
  type CalleeSecret,
  type OpenedCall,
  type SessionSecrets,
} from './handshake.js';
export { deriveKeys, KEY_BYTES, type HandshakeKeys } from './suite.js';
