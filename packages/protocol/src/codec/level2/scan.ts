// A first pass over the tags of a packet, before anything is built of it. The generated codec skips fields of the wrong
// type in silence, keeps the low bits of numbers that are too large, and allocates whatever is repeated.
import { ProtocolError } from '../../errors.js';
import { LEVEL2_FIELDS, type FieldEntry, type MessageName } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Field number → entry, per message. */
const BY_NUMBER = new Map<MessageName, readonly (FieldEntry | undefined)[]>(
  Object.entries(LEVEL2_FIELDS).map(([name, fields]) => {
    const table: (FieldEntry | undefined)[] = [];
    for (const field of fields) table[field.number] = field;
    return [name as MessageName, table];
  }),
);

/** Throws PACKET_INVALID that names the field unless `bytes` is a packet within all bounds. */
export function scanPacket(bytes: Uint8Array): void {
  new PacketScanner(bytes).message('Packet', bytes.length);
}

class PacketScanner {
  readonly #bytes: Uint8Array;
  #at = 0;
  #datagrams = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads fields up to `end`. Messages hold only messages of other kinds, so the depth is that of the schema. */
  message(name: MessageName, end: number): void {
    const table = BY_NUMBER.get(name)!;
    const counts: number[] = [];
    while (this.#at < end) {
      const tag = this.#varint(end, name);
      const number = Math.floor(tag / 8);
      if (number === 0 || tag > 0xffffffff) throw invalid(name, 'has a tag that is none');
      const field = table[number];
      if (field === undefined) {
        this.#skip(tag % 8, end, name);
        continue;
      }
      const count = (counts[number] ?? 0) + 1;
      counts[number] = count;
      const path = `${name}.${field.name}`;
      if (count > (field.maxCount ?? 1))
        throw invalid(path, field.repeated ? `more than ${field.maxCount}` : 'given twice');
      this.#field(field, tag % 8, end, path);
    }
    for (const field of LEVEL2_FIELDS[name]) {
      if (field.required && counts[field.number] === undefined) throw invalid(`${name}.${field.name}`, 'missing');
    }
  }

  #field(field: FieldEntry, wire: number, end: number, path: string): void {
    const isNumber = field.type === 'uint64' || field.type === 'uint32' || field.type === 'bool';
    if (wire !== (isNumber ? VARINT : BYTES)) throw invalid(path, 'has the wrong wire type');
    const value = this.#varint(end, path);
    if (isNumber) {
      checkNumber(field, value, path);
      return;
    }
    const valueEnd = this.#at + value;
    if (valueEnd > end) throw invalid(path, 'is cut off');
    if (field.message) {
      if (field.type === 'SegmentDatagram') this.#countDatagram();
      this.message(field.type as MessageName, valueEnd);
      return;
    }
    checkSize(field, value, path);
    if (field.type === 'string') {
      try {
        utf8.decode(this.#bytes.subarray(this.#at, valueEnd));
      } catch {
        throw invalid(path, 'is not UTF-8');
      }
    }
    this.#at = valueEnd;
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
