/** Big-endian numbers at a place in a slab. 48 bits hold every count and packet number. */
export function writeU16(slab: Uint8Array, at: number, value: number): void {
  slab[at] = value >>> 8;
  slab[at + 1] = value;
}

export function writeU32(slab: Uint8Array, at: number, value: number): void {
  slab[at] = value >>> 24;
  slab[at + 1] = value >>> 16;
  slab[at + 2] = value >>> 8;
  slab[at + 3] = value;
}

export function writeU48(slab: Uint8Array, at: number, value: number): void {
  writeU16(slab, at, Math.floor(value / 2 ** 32));
  writeU32(slab, at + 2, value >>> 0);
}

export function readU16(slab: Uint8Array, at: number): number {
  return (slab[at]! << 8) | slab[at + 1]!;
}

export function readU32(slab: Uint8Array, at: number): number {
  return ((slab[at]! << 24) | (slab[at + 1]! << 16) | (slab[at + 2]! << 8) | slab[at + 3]!) >>> 0;
}

export function readU48(slab: Uint8Array, at: number): number {
  return readU16(slab, at) * 2 ** 32 + readU32(slab, at + 2);
}

/** A copy. `slice` is none where the bytes are a Node Buffer: there it is a view. */
export function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
