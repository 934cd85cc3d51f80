import { crc32 } from 'node:zlib';

/**
 * What an application asks of the target, as the first 32 bytes of a stream through the tunnel:
 *
 * - `download`: the target sends the pattern and ends its side.
 * - `upload`: the target takes the pattern and answers its token once the last byte was compared, then ends its side.
 * - `echo`: the target sends back so many bytes of what comes, and ends its side. It does not wait for the end of the
 *   other, which level 1 cannot carry: streams would stay open that nobody uses.
 * - `end-first`: the target sends the pattern and ends its side, then takes the pattern of `seed + 1`.
 * - `end-last`: the application sends the pattern of `seed + 1` and ends its side; the target takes it to its last byte,
 *   and only then sends its own and ends. It does not wait for the end itself, which level 1 cannot carry.
 */
const VERBS = ['download', 'upload', 'echo', 'end-first', 'end-last'] as const;
export type TransferVerb = (typeof VERBS)[number];

export interface TransferRequest {
  verb: TransferVerb;
  /** Number of the transfer, unique in a process of the target. */
  id: number;
  seed: number;
  bytes: number;
}

export const REQUEST_BYTES = 32;
/** Bytes of the token that a target answers an upload with. */
export const TOKEN_BYTES = 16;
const MAGIC = 0x4d_52_42_31;

export function encodeRequest({ verb, id, seed, bytes }: TransferRequest): Buffer {
  const buffer = Buffer.alloc(REQUEST_BYTES);
  buffer.writeUInt32BE(MAGIC, 0);
  buffer.writeUInt32BE(VERBS.indexOf(verb), 4);
  buffer.writeUInt32BE(id, 8);
  buffer.writeUInt32BE(seed, 12);
  buffer.writeBigUInt64BE(BigInt(bytes), 16);
  buffer.writeUInt32BE(crc32(buffer.subarray(0, 28)), 28);
  return buffer;
}

/** @throws Error when the 32 bytes are not a request: the tunnel brought wrong ones. */
export function decodeRequest(buffer: Buffer): TransferRequest {
  const verb = VERBS[buffer.readUInt32BE(4)];
  if (buffer.readUInt32BE(0) !== MAGIC || buffer.readUInt32BE(28) !== crc32(buffer.subarray(0, 28)) || !verb) {
    throw new Error('the first 32 bytes of the stream are not those that the application sent');
  }
  return { verb, id: buffer.readUInt32BE(8), seed: buffer.readUInt32BE(12), bytes: Number(buffer.readBigUInt64BE(16)) };
}
