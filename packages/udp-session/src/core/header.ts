/**
 * The clear bytes in front of every sealed packet, all of them associated data:
 *
 * ```
 * 0        0 1 0 0 0 0 p p   p: the two low bits of the key phase
 * 1        connection id, chosen by the receiver
 * 2 to 4   the low 24 bits of the packet number
 * ```
 */
export const HEADER_BYTES = 5;
/** The tag behind what is sealed. */
export const TAG_BYTES = 16;
/** All that a packet costs over a plain datagram. */
export const OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;

const FORM = 0x40;
const FORM_MASK = 0xfc;
const PHASE_MASK = 0x03;
const NUMBER_SPAN = 2 ** 24;
/** Packet numbers end here: 2^48 packets are never reached. */
export const MAX_PACKET_NUMBER = 2 ** 48 - 1;

/** Writes the header of packet `number`. */
export function writeHeader(slab: Uint8Array, at: number, connectionId: number, number: number, phase: number): void {
  slab[at] = FORM | (phase & PHASE_MASK);
  slab[at + 1] = connectionId;
  slab[at + 2] = (number >>> 16) & 0xff;
  slab[at + 3] = (number >>> 8) & 0xff;
  slab[at + 4] = number & 0xff;
}

/** Whether a datagram may be a sealed packet for this connection id; what does not look like one is not opened at all. */
export function isSealedPacket(slab: Uint8Array, at: number, length: number, connectionId: number): boolean {
  return length > OVERHEAD_BYTES && (slab[at]! & FORM_MASK) === FORM && slab[at + 1] === connectionId;
}

/** Whether the phase in the header is that of the packet number. */
export function phaseFits(slab: Uint8Array, at: number, phase: number): boolean {
  return (slab[at]! & PHASE_MASK) === (phase & PHASE_MASK);
}

/**
 * The full packet number: the one nearest to the number after `largest`, the largest that was authenticated (-1 before the
 * first). RFC 9000, appendix A.3.
 */
export function readNumber(slab: Uint8Array, at: number, largest: number): number {
  const low = (slab[at + 2]! << 16) | (slab[at + 3]! << 8) | slab[at + 4]!;
  const expected = largest + 1;
  const number = expected - (expected % NUMBER_SPAN) + low;
  if (number + NUMBER_SPAN / 2 <= expected && number + NUMBER_SPAN <= MAX_PACKET_NUMBER) return number + NUMBER_SPAN;
  if (number > expected + NUMBER_SPAN / 2 && number >= NUMBER_SPAN) return number - NUMBER_SPAN;
  return number;
}
