import { TunnelError } from '../../errors.js';
import { PROXY_LIMITS } from '../limits.js';
import { endToEnd } from './headers.js';

/** The head of one answer, and what came behind it. */
export interface ResponseHead {
  status: number;
  /** The head as it came, with its empty line. */
  head: Buffer;
  /** Bytes after the head. */
  rest: Buffer;
}

/**
 * Reads the head of an answer, push style. Takes no part in what the answer says but for its status.
 * @returns undefined while bytes are missing.
 * @throws TunnelError TARGET_NOT_HTTP for what is no HTTP/1 answer, or a head of more than `maxHeaderBytes`.
 */
export function readResponseHead(bytes: Buffer): ResponseHead | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end > PROXY_LIMITS.maxHeaderBytes || (end === -1 && bytes.length > PROXY_LIMITS.maxHeaderBytes)) {
    throw notHttp(`the head of the target's answer has more than ${PROXY_LIMITS.maxHeaderBytes} bytes`);
  }
  const start = bytes.toString('latin1', 0, 9);
  if (!'HTTP/1.1 '.startsWith(start) && !'HTTP/1.0 '.startsWith(start))
    throw notHttp('what the target answered is not HTTP');
  if (end === -1) return undefined;
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(bytes.toString('latin1', 0, 14))?.[1];
  if (status === undefined) throw notHttp("the target's answer has no status");
  return { status: Number(status), head: bytes.subarray(0, end + 4), rest: bytes.subarray(end + 4) };
}

/** Bytes of the body behind a head, as it says (RFC 9112, section 6.3); `Infinity` where only its end tells, or the chunks in it. */
export function bodyLength({ status, head }: ResponseHead): number {
  if (status === 204 || status === 304) return 0;
  const text = head.toString('latin1');
  const lengths = [...text.matchAll(/\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r)/gi)].map(([, digits]) =>
    Number(digits),
  );
  if (/\r\ntransfer-encoding:/i.test(text) || new Set(lengths).size !== 1) return Infinity;
  return lengths[0]!;
}

/** The same head for an application whose connection ends with this answer. */
export function closingHead(head: Buffer): Buffer {
  const [statusLine = '', ...lines] = head.toString('latin1').trimEnd().split('\r\n');
  const fields = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon <= 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const kept = endToEnd(fields);
  const out = [statusLine];
  for (let i = 0; i < kept.length; i += 2) out.push(`${kept[i]}: ${kept[i + 1]}`);
  return Buffer.from(`${out.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1');
}

function notHttp(message: string): TunnelError {
  return new TunnelError('TARGET_NOT_HTTP', message);
}
