import type { PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';
import { PacketWriter } from './encode.js';
import { invalid, readPacket } from './scan.js';

/**
 * A packet as protobuf. Throws PACKET_INVALID, naming the field, for a value that no receiver would take: a number that is
 * no safe integer or out of range, bytes of the wrong size, too many segments, ranges or datagrams.
 */
export function encodePacket(packet: PacketValue): Uint8Array {
  const writer = new PacketWriter(packet);
  const bytes = new Uint8Array(writer.bytes);
  writer.write(bytes, 0);
  return bytes;
}

/**
 * The packet in `bytes`. Every `Uint8Array` in it is a view of `bytes`: copy what has to outlive them. Absent fields are
 * absent, repeated ones that are empty too; unknown fields are ignored. Throws PACKET_INVALID only.
 */
export function decodePacket(bytes: Uint8Array): PacketValue {
  if (bytes.length > LIMITS.maxBodyBytes) {
    throw invalid('Packet', `has ${bytes.length} bytes, more than ${LIMITS.maxBodyBytes}`);
  }
  // Node's Buffer would hand out Buffers; a plain view behaves alike in every runtime.
  return readPacket(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
