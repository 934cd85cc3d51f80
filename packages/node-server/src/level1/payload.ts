import { type BatchOp, decodeBase64 } from '@millrace/protocol';
import { hasBytes } from './plan.js';

/** The bytes of an op; `undefined` where it has none. @throws ProtocolError `BASE64_INVALID` */
export function decodePayload(op: BatchOp): Buffer | undefined {
  if (!hasBytes(op)) return undefined;
  const bytes = decodeBase64(op.d!);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
