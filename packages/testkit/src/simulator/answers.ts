import { isAscii, isUtf8 } from 'node:buffer';
import type { ErrorCode } from '@millrace/protocol';
import { QUOTA_MESSAGES, scriptErrorPage, SIGN_IN_PAGE, statusPage } from '../fault-relay/pages.js';
import type { RefusalWindow } from './types.js';

/** An answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

export function answerOf(
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string | number>> = {},
): Answer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { status, headers: { 'content-type': contentType, 'content-length': bytes.length, ...headers }, body: bytes };
}

function page(status: number, text: string, headers: Readonly<Record<string, string | number>> = {}): Answer {
  return answerOf(status, 'text/html; charset=utf-8', text, headers);
}

export const notFound = (): Answer => page(404, statusPage(404));
export const signIn = (): Answer => page(200, SIGN_IN_PAGE);
export const overQuota = (quota: keyof typeof QUOTA_MESSAGES): Answer =>
  page(200, scriptErrorPage(QUOTA_MESSAGES[quota]));
export const notText = (): Answer => page(200, scriptErrorPage('Exception: Invalid argument: the text is not UTF-8'));
export const redirectTo = (location: string): Answer => page(302, '', { location });

export function refusedBy({ status, retryAfterSeconds }: RefusalWindow): Answer {
  return page(status, statusPage(status), retryAfterSeconds === undefined ? {} : { 'retry-after': retryAfterSeconds });
}

/** An error of the relay itself, as Millrace's relay says it. */
export function relayError(code: ErrorCode, message: string): Answer {
  return answerOf(200, 'application/json', JSON.stringify({ e: message, code }));
}

/** What a relay says of a body that it does not take. */
export function notTaken(why: 'tooLarge' | 'overloaded'): Answer {
  return why === 'tooLarge'
    ? relayError('BODY_TOO_LARGE', 'the request is larger than the relay carries')
    : relayError('RELAY_QUOTA_RATE', 'the relay has too much to do');
}

/** What a relay says when it cannot reach its node; a script by its platform's words, which never name a real address here. */
export function nodeDown(textOnly: boolean): Answer {
  return textOnly
    ? page(200, scriptErrorPage('Exception: Address unavailable: http://node.invalid/tunnel/batch'))
    : relayError('RELAY_NODE_DOWN', 'the relay could not reach its node');
}

/** Whether a body survives something that takes it for text. */
export function isText(body: Buffer): boolean {
  if (!isAscii(body) && !isUtf8(body)) return false;
  // What text never begins with; bytes that look like UTF-8 by chance do.
  const first = body[0] ?? 0x20;
  return first >= 0x20 || first === 0x09 || first === 0x0a || first === 0x0d;
}
