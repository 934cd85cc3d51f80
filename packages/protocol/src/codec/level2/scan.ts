// Packets out of bytes, in one pass that checks every bound before it builds anything. A generated codec would skip fields
// of the wrong type in silence, keep the low bits of numbers that are too large, and allocate whatever is repeated.
import { ProtocolError } from '../../errors.js';
import { LEVEL2_FIELDS, type FieldEntry, type MessageName, type PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Fields = Record<string, unknown>;

/** A field as the reader needs it. */
interface Entry {
  readonly field: FieldEntry;
  readonly name: string;
  readonly path: string;
  readonly isNumber: boolean;
}

/** Field number → entry, per message; and the numbers of fields that have to be there. */
const TABLES = Object.fromEntries(
  Object.entries(LEVEL2_FIELDS).map(([message, fields]) => {
    const table: (Entry | undefined)[] = [];
    for (const field of fields) {
      const isNumber = field.type === 'uint64' || field.type === 'uint32' || field.type === 'bool';
      table[field.number] = { field, name: field.name, path: `${message}.${field.name}`, isNumber };
    }
    return [message, { table, required: table.filter((entry) => entry?.field.required) as Entry[] }];
  }),
) as unknown as Record<MessageName, { table: readonly (Entry | undefined)[]; required: readonly Entry[] }>;

/** The packet in `bytes`, its bytes as views of them. Throws PACKET_INVALID that names the field unless it is within all bounds. */
export function readPacket(bytes: Uint8Array): PacketValue {
  const packet = new PacketReader(bytes).message('Packet', bytes.length) as unknown as PacketValue;
  for (const [name, ranges] of [
    ['got', packet.got],
    ['lost', packet.lost],
  ] as const) {
    if (ranges?.some(({ from, to }) => from > to)) {
      throw invalid(`Packet.${name}`, 'has a range that ends before it begins');
    }
  }
  return packet;
}

class PacketReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #datagrams = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads fields up to `end`. Messages hold only messages of other kinds, so the depth is that of the schema. */
  message(name: MessageName, end: number): Fields {
    const { table, required } = TABLES[name];
    const value: Fields = {};
    while (this.#at < end) {
      const tag = this.#varint(end, name);
      const number = Math.floor(tag / 8);
      if (number === 0 || tag > 0xffffffff) throw invalid(name, 'has a tag that is none');
      const entry = table[number];
      if (entry === undefined) {
        this.#skip(tag % 8, end, name);
        continue;
      }
      const { field } = entry;
      const before = value[entry.name];
      if (field.repeated) {
        const items = (before ?? (value[entry.name] = [])) as unknown[];
        if (items.length >= (field.maxCount ?? 1)) throw invalid(entry.path, `more than ${field.maxCount}`);
        items.push(this.#field(entry, tag % 8, end));
      } else {
        if (before !== undefined) throw invalid(entry.path, 'given twice');
        value[entry.name] = this.#field(entry, tag % 8, end);
      }
    }
    for (const { name: field, path } of required) if (value[field] === undefined) throw invalid(path, 'missing');
    return value;
  }

  #field({ field, path, isNumber }: Entry, wire: number, end: number): unknown {
    if (wire !== (isNumber ? VARINT : BYTES)) throw invalid(path, 'has the wrong wire type');
    const value = this.#varint(end, path);
    if (isNumber) {
      checkNumber(field, value, path);
      return field.type === 'bool' ? value === 1 : value;
    }
    const valueEnd = this.#at + value;
    if (valueEnd > end) throw invalid(path, 'is cut off');
    if (field.message) {
      if (field.type === 'SegmentDatagram') this.#countDatagram();
      return this.message(field.type as MessageName, valueEnd);
    }
    checkSize(field, value, path);
    const bytes = this.#bytes.subarray(this.#at, valueEnd);
    this.#at = valueEnd;
    if (field.type === 'bytes') return bytes;
    try {
      return utf8.decode(bytes);
    } catch {
      throw invalid(path, 'is not UTF-8');
    }
  }

  #countDatagram(): void {
    this.#datagrams += 1;
    if (this.#datagrams > LIMITS.maxPacketDatagrams) {
      throw invalid('Packet', `has more than ${LIMITS.maxPacketDatagrams} datagrams`);
    }
  }

  /** A number up to 2^53 - 1; nothing here is larger. */
  #varint(end: number, path: string): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= end) throw invalid(path, 'is cut off');
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw invalid(path, 'is too large');
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw invalid(path, 'is not a number');
  }

  /** Passes over a field that is not known. Its number may have all 64 bits. */
  #skip(wire: number, end: number, path: string): void {
    switch (wire) {
      case VARINT: {
        const start = this.#at;
        while (this.#at < end && this.#bytes[this.#at]! >= 0x80) this.#at += 1;
        this.#at += 1;
        if (this.#at - start > 10) throw invalid(path, 'has a number of more than 64 bits');
        break;
      }
      case FIXED64:
        this.#at += 8;
        break;
      case BYTES: {
        const size = this.#varint(end, path);
        this.#at += size;
        break;
      }
      case FIXED32:
        this.#at += 4;
        break;
      default:
        throw invalid(path, 'has a field of a kind that is not used');
    }
    if (this.#at > end) throw invalid(path, 'is cut off');
  }
}

/** Throws PACKET_INVALID for a number out of range. */
export function checkNumber(field: FieldEntry, value: number, path: string): void {
  const max = field.type === 'bool' ? 1 : field.max!;
  if (!Number.isInteger(value) || value < (field.min ?? 0) || value > max) {
    throw invalid(path, `must be from ${field.min ?? 0} to ${max}`);
  }
}

/** Throws PACKET_INVALID for bytes or a string of the wrong size. */
export function checkSize(field: FieldEntry, size: number, path: string): void {
  if (field.exactBytes !== undefined && size !== field.exactBytes) {
    throw invalid(path, `must have ${field.exactBytes} bytes, has ${size}`);
  }
  if (field.maxBytes !== undefined && size > field.maxBytes) {
    throw invalid(path, `must have at most ${field.maxBytes} bytes, has ${size}`);
  }
}

export const invalid = (path: string, what: string): ProtocolError =>
  new ProtocolError('PACKET_INVALID', `${path}: ${what}`);
