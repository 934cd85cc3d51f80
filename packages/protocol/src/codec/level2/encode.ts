// Packets into one buffer: a pass that checks and measures, and one that writes. Driven by the generated field table.
import { LEVEL2_FIELDS, type FieldEntry, type MessageName, type PacketValue } from '../../gen/level2-fields.js';
import { LIMITS } from '../../gen/limits.js';
import { checkNumber, checkSize, invalid } from './scan.js';

const VARINT = 0;
const BYTES = 2;
const encoder = new TextEncoder();

type Fields = Record<string, unknown>;

/** A field as the encoder needs it. */
interface Entry {
  readonly field: FieldEntry;
  readonly name: string;
  readonly path: string;
  readonly tag: number;
  readonly tagBytes: number;
}

const ENTRIES = Object.fromEntries(
  Object.entries(LEVEL2_FIELDS).map(([message, fields]) => [
    message,
    fields.map((field): Entry => {
      const isNumber = field.type === 'uint64' || field.type === 'uint32' || field.type === 'bool';
      const tag = field.number * 8 + (isNumber ? VARINT : BYTES);
      return { field, name: field.name, path: `${message}.${field.name}`, tag, tagBytes: varintBytes(tag) };
    }),
  ]),
) as unknown as Record<MessageName, readonly Entry[]>;

/** A packet that was measured, to be written once. */
export class PacketWriter {
  /** Encoded size. */
  readonly bytes: number;
  /** Sizes of inner messages, and texts, in the order in which they are written. */
  readonly #sizes: number[] = [];
  readonly #texts: Uint8Array[] = [];
  readonly #packet: Fields;
  #datagrams = 0;
  #target: Uint8Array = new Uint8Array(0);
  #at = 0;
  #size = 0;
  #text = 0;

  /** Throws PACKET_INVALID, naming the field. */
  constructor(packet: PacketValue) {
    this.#packet = packet as unknown as Fields;
    this.bytes = this.#measure('Packet', this.#packet);
    if (this.#datagrams > LIMITS.maxPacketDatagrams) {
      throw invalid('Packet', `has more than ${LIMITS.maxPacketDatagrams} datagrams`);
    }
  }

  /** Writes the packet into `target`, from `at` on. */
  write(target: Uint8Array, at: number): void {
    this.#target = target;
    this.#at = at;
    this.#size = this.#text = 0;
    this.#message('Packet', this.#packet);
  }

  #measure(name: MessageName, value: Fields): number {
    if (name === 'SegmentDatagram') this.#datagrams++;
    let size = 0;
    for (const entry of ENTRIES[name]) {
      const item = value[entry.name];
      if (item !== undefined) size += this.#measureField(entry, item);
      else if (entry.field.required) throw invalid(entry.path, 'missing');
    }
    if (name === 'PacketRange' && (value['from'] as number) > (value['to'] as number)) {
      throw invalid(name, 'ends before it begins');
    }
    return size;
  }

  #measureField({ field, path, tagBytes }: Entry, item: unknown): number {
    switch (field.type) {
      case 'uint64':
      case 'uint32':
        checkNumber(field, typeof item === 'number' ? item : Number.NaN, path);
        return tagBytes + varintBytes(item as number);
      case 'bool':
        if (typeof item !== 'boolean') throw invalid(path, 'must be true or false');
        return tagBytes + 1;
      case 'string': {
        if (typeof item !== 'string') throw invalid(path, 'must be a string');
        const text = encoder.encode(item);
        checkSize(field, text.length, path);
        this.#texts.push(text);
        return tagBytes + varintBytes(text.length) + text.length;
      }
      case 'bytes':
        if (!(item instanceof Uint8Array)) throw invalid(path, 'must be bytes');
        checkSize(field, item.length, path);
        return tagBytes + varintBytes(item.length) + item.length;
    }
    if (!field.repeated) return tagBytes + this.#measureInner(field.type, item as Fields);
    const items = item as Fields[];
    if (items.length > (field.maxCount ?? 1)) throw invalid(path, `more than ${field.maxCount}`);
    let size = 0;
    for (const each of items) size += tagBytes + this.#measureInner(field.type, each);
    return size;
  }

  #measureInner(name: MessageName, value: Fields): number {
    const index = this.#sizes.push(0) - 1;
    const size = this.#measure(name, value);
    this.#sizes[index] = size;
    return varintBytes(size) + size;
  }

  #message(name: MessageName, value: Fields): void {
    for (const entry of ENTRIES[name]) {
      const item = value[entry.name];
      if (item === undefined) continue;
      if (!entry.field.repeated) this.#field(entry, item);
      else for (const each of item as Fields[]) this.#field(entry, each);
    }
  }

  #field({ field, tag }: Entry, item: unknown): void {
    this.#varint(tag);
    switch (field.type) {
      case 'uint64':
      case 'uint32':
        this.#varint(item as number);
        return;
      case 'bool':
        this.#target[this.#at++] = item === true ? 1 : 0;
        return;
      case 'string':
        this.#bytes(this.#texts[this.#text++]!);
        return;
      case 'bytes':
        this.#bytes(item as Uint8Array);
        return;
      default:
        this.#varint(this.#sizes[this.#size++]!);
        this.#message(field.type, item as Fields);
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    this.#target.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #varint(value: number): void {
    let left = value;
    while (left > 0x7fff_ffff) {
      this.#target[this.#at++] = (left % 128) | 0x80;
      left = Math.floor(left / 128);
    }
    while (left > 0x7f) {
      this.#target[this.#at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#target[this.#at++] = left;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  let left = value;
  while (left > 0x7fff_ffff) {
    left = Math.floor(left / 128);
    bytes++;
  }
  while (left > 0x7f) {
    left >>>= 7;
    bytes++;
  }
  return bytes;
}
