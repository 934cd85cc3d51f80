/** A DNS answerer (RFC 1035) just large enough for resolvers and `dig`: one question, answers from a table. */
import { isIPv4, isIPv6 } from 'node:net';

const TYPE_A = 1;
const TYPE_TXT = 16;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const TTL_SECONDS = 60;
/** A pointer to the name in the question, which always begins right after the header. */
const NAME_POINTER = 0xc000 | HEADER_BYTES;

/** The response to a query, or undefined where it is not a query with one question. */
export function answerQuery(query: Buffer, records: Readonly<Record<string, readonly string[]>>): Buffer | undefined {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const values = records[question.name];
  const answers = (values ?? []).flatMap((value) => {
    const { type, data } = recordOf(value);
    return type === question.type ? [encodeRecord(type, data)] : [];
  });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  // Response, authoritative, recursion as asked and available; NXDOMAIN (3) where the name is not in the table.
  header.writeUInt16BE(0x8480 | (query.readUInt16BE(2) & 0x0100) | (values === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, question.bytes, ...answers]);
}

function readQuestion(query: Buffer): { name: string; type: number; bytes: Buffer } | undefined {
  if (query.length < HEADER_BYTES || query.readUInt16BE(4) !== 1 || (query[2]! & 0x80) !== 0) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > query.length || query.readUInt16BE(at + 2) !== CLASS_IN) return undefined;
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at),
    bytes: query.subarray(HEADER_BYTES, at + 4),
  };
}

function recordOf(value: string): { type: number; data: Buffer } {
  if (isIPv4(value)) return { type: TYPE_A, data: Buffer.from(value.split('.').map(Number)) };
  if (isIPv6(value)) return { type: TYPE_AAAA, data: ipv6Bytes(value) };
  const text = Buffer.from(value).subarray(0, 255);
  return { type: TYPE_TXT, data: Buffer.concat([Buffer.from([text.length]), text]) };
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const before = ipv6Groups(head);
  const after = ipv6Groups(tail ?? '');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of before.entries()) bytes.writeUInt16BE(group, i * 2);
  for (const [i, group] of after.entries()) bytes.writeUInt16BE(group, 16 - (after.length - i) * 2);
  return bytes;
}

function ipv6Groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
}

function encodeRecord(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(NAME_POINTER, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt32BE(TTL_SECONDS, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
