import protobuf from 'protobufjs/minimal.js';

import { ProtocolError } from '../../errors.js';
import { LEVEL2_FIELDS, type FieldEntry, type MessageName, type PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';
import { millrace } from '../../gen/millrace.js';
import { checkNumber, checkSize, invalid, scanPacket } from './scan.js';

const encoder = new TextEncoder();

/**
 * A packet as protobuf. Throws PACKET_INVALID, naming the field, for a value that no receiver would take: a number that is
 * no safe integer or out of range, bytes of the wrong size, too many segments, ranges or datagrams.
 */
export function encodePacket(packet: PacketValue): Uint8Array {
  checkMessage('Packet', packet as unknown as Fields);
  const datagrams = (packet.segments ?? []).reduce((sum, segment) => sum + (segment.datagrams?.length ?? 0), 0);
  if (datagrams > LIMITS.maxPacketDatagrams) {
    throw invalid('Packet', `has more than ${LIMITS.maxPacketDatagrams} datagrams`);
  }
  return plain(millrace.Packet.encode(packet).finish());
}

/**
 * The packet in `bytes`. Every `Uint8Array` in it is a view of `bytes`: copy what has to outlive them. Absent fields are
 * absent, repeated ones that are empty too; unknown fields are ignored. Throws PACKET_INVALID only.
 */
export function decodePacket(bytes: Uint8Array): PacketValue {
  if (bytes.length > LIMITS.maxBodyBytes) {
    throw invalid('Packet', `has ${bytes.length} bytes, more than ${LIMITS.maxBodyBytes}`);
  }
  const view = plain(bytes);
  scanPacket(view);
  let decoded: unknown;
  try {
    const reader = protobuf.Reader.create(view);
    reader.discardUnknown = true;
    decoded = millrace.Packet.decode(reader);
  } catch (cause) {
    throw new ProtocolError('PACKET_INVALID', 'the packet does not decode', { cause });
  }
  const packet = toValue('Packet', decoded as Fields) as unknown as PacketValue;
  for (const [name, ranges] of [
    ['got', packet.got],
    ['lost', packet.lost],
  ] as const) {
    if (ranges?.some(({ from, to }) => from > to))
      throw invalid(`Packet.${name}`, 'has a range that ends before it begins');
  }
  return packet;
}

type Fields = Record<string, unknown>;

/** Node's Buffer would be handed on by the codec; a plain view behaves alike in every runtime. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What the codec built, as plain objects of known fields. 64-bit numbers were found to fit before. */
function toValue(name: MessageName, decoded: Fields): Fields {
  const value: Fields = {};
  for (const field of LEVEL2_FIELDS[name]) {
    if (!Object.hasOwn(decoded, field.name)) continue;
    const item = decoded[field.name];
    if (field.repeated) {
      const items = item as Fields[];
      if (items.length > 0) value[field.name] = items.map((entry) => toValue(field.type as MessageName, entry));
    } else if (field.message) value[field.name] = toValue(field.type as MessageName, item as Fields);
    else value[field.name] = field.type === 'uint64' ? Number(item) : item;
  }
  return value;
}

function checkMessage(name: MessageName, value: Fields): void {
  for (const field of LEVEL2_FIELDS[name]) {
    const path = `${name}.${field.name}`;
    const item = value[field.name];
    if (item !== undefined) checkField(field, item, path);
    else if (field.required) throw invalid(path, 'missing');
  }
  if (name === 'PacketRange' && (value['from'] as number) > (value['to'] as number)) {
    throw invalid(name, 'ends before it begins');
  }
}

function checkField(field: FieldEntry, item: unknown, path: string): void {
  switch (field.type) {
    case 'uint64':
    case 'uint32':
      return checkNumber(field, typeof item === 'number' ? item : Number.NaN, path);
    case 'bool':
      if (typeof item !== 'boolean') throw invalid(path, 'must be true or false');
      return;
    case 'string':
      if (typeof item !== 'string') throw invalid(path, 'must be a string');
      return checkSize(field, encoder.encode(item).length, path);
    case 'bytes':
      if (!(item instanceof Uint8Array)) throw invalid(path, 'must be bytes');
      return checkSize(field, item.length, path);
  }
  const items = field.repeated ? (item as Fields[]) : [item as Fields];
  if (items.length > (field.maxCount ?? 1)) throw invalid(path, `more than ${field.maxCount}`);
  for (const entry of items) checkMessage(field.type, entry);
}
