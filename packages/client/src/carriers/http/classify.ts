/** All classification of what goes wrong between this client and a relay: platform errors, statuses and pages to codes. */
import { errors } from 'undici';
import type { ErrorCode } from '@millrace/protocol';
import { failed, type CarrierFailed } from '../carrier.js';
import { isHtml, meaningOf, quoted } from '../words.js';
import { ConnectError } from './connect.js';

/** How far a request came before it failed. */
export type Progress = 'not-sent' | 'sent' | 'answering';

/** An answer of which status, headers and (part of) the body are here. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** A connection could not be opened: nothing was sent. */
export function classifyConnect(relay: string, error: unknown): CarrierFailed {
  const message = messageOf(error);
  const tls = (error instanceof ConnectError && error.stage === 'tls') || isTlsCode(codeOf(error));
  return tls
    ? failed('RELAY_TLS', `${relay}: TLS failed: ${message}`, false, { cause: error })
    : failed('RELAY_OFFLINE', `${relay} cannot be reached: ${message}`, false, { cause: error });
}

/** A request broke off. */
export function classifyBreak(relay: string, error: unknown, progress: Progress): CarrierFailed {
  if (progress === 'not-sent') return classifyConnect(relay, error);
  const message = messageOf(error);
  if (error instanceof errors.HeadersOverflowError || codeOf(error)?.startsWith('HPE_HEADER')) {
    return failed('RELAY_BODY', `${relay}: the head of the answer is too large`, true, { cause: error });
  }
  if (progress === 'sent' && error instanceof errors.HTTPParserError) {
    return failed('RELAY_BODY', `${relay} does not answer in HTTP: ${message}`, true, { cause: error });
  }
  return progress === 'sent'
    ? failed('RELAY_TRUNCATED', `${relay} closed the connection without an answer: ${message}`, true, { cause: error })
    : failed('RELAY_TRUNCATED', `${relay}: the answer was cut: ${message}`, true, { cause: error });
}

/** Nothing moved for too long. */
export function classifySilence(relay: string, progress: Progress, waitedMs: number): CarrierFailed {
  const what = {
    'not-sent': 'was not reached',
    sent: 'did not answer',
    answering: 'stopped in the middle of its answer',
  }[progress];
  return failed('RELAY_TIMEOUT', `${relay} ${what} within ${waitedMs} ms`, progress !== 'not-sent');
}

/** More than a tunnel body may be. */
export function classifyTooLarge(relay: string, maxBytes: number): CarrierFailed {
  return failed('RELAY_BODY', `${relay}: the answer is larger than ${maxBytes} bytes`, true);
}

/** Too many redirects, or one that cannot be followed. */
export function classifyRedirect(relay: string, why: string, ambiguous: boolean): CarrierFailed {
  return failed('RELAY_REDIRECT', `${relay}: ${why}`, ambiguous);
}

/** What is wrong with an answer, going by status and looks; undefined when it may be a tunnel body. */
export function classifyAnswer(relay: string, answer: HttpAnswer): CarrierFailed | undefined {
  const text = (): string => new TextDecoder().decode(answer.body.subarray(0, 65_536));
  if (answer.status === 200) {
    if (answer.body.byteLength === 0) return failed('RELAY_EMPTY', `${relay} answered nothing`, true);
    return mayBePage(answer.body) ? classifyPage(relay, text()) : undefined;
  }
  // A refusal by status comes before anything is run; from 500 on, something may have run before it failed.
  const ambiguous = answer.status < 400 || answer.status >= 500;
  const page = text();
  const meaning = meaningOf(page);
  const said = `answered ${answer.status}: ${quoted(page)}`;
  const code: ErrorCode = codeOfStatus(answer.status, meaning?.code);
  return failed(code, `${relay} ${said}`, ambiguous && (meaning?.ambiguous ?? true), retryAfter(answer));
}

function classifyPage(relay: string, page: string): CarrierFailed | undefined {
  if (!isHtml(page)) return undefined;
  // Of pages, only quotas are sure enough: other words may stand there for many reasons.
  const meaning = meaningOf(page);
  if (meaning?.code === 'RELAY_QUOTA_DAY' || meaning?.code === 'RELAY_QUOTA_RATE') {
    return failed(meaning.code, `${relay}: its quota is used up: ${quoted(page)}`, meaning.ambiguous);
  }
  return failed('RELAY_HTML', `${relay} answered a page instead of a tunnel body: ${quoted(page)}`, true);
}

function codeOfStatus(status: number, told: ErrorCode | undefined): ErrorCode {
  switch (status) {
    case 429:
      return told === 'RELAY_QUOTA_DAY' ? told : 'RELAY_QUOTA_RATE';
    case 401:
    case 404:
      return 'RELAY_AUTH';
    case 403:
      return told === 'RELAY_QUOTA_DAY' || told === 'RELAY_QUOTA_RATE' ? told : 'RELAY_AUTH';
    case 408:
    case 504:
      return 'RELAY_TIMEOUT';
    case 502:
      return 'RELAY_NODE_DOWN';
    default:
      return told === 'RELAY_QUOTA_DAY' || told === 'RELAY_QUOTA_RATE' ? told : 'RELAY_STATUS';
  }
}

/** A tunnel body begins with none of these bytes: white space, a byte order mark, `<`. */
function mayBePage(body: Uint8Array): boolean {
  const first = body[0] as number;
  return first === 0x3c || first === 0xef || first === 0x20 || (first >= 0x09 && first <= 0x0d);
}

function retryAfter(answer: HttpAnswer): { retryAfterMs?: number } {
  const value = answer.headers['retry-after'];
  if (typeof value !== 'string') return {};
  if (/^\d{1,6}$/.test(value)) return { retryAfterMs: Number(value) * 1_000 };
  // Or a date (RFC 9110, section 10.2.3), by the clock of the relay.
  const at = /^\w{3}, .* GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  const now = typeof answer.headers.date === 'string' ? Date.parse(answer.headers.date) : Date.now();
  return at > now ? { retryAfterMs: at - now } : {};
}

function isTlsCode(code: string | undefined): boolean {
  return code !== undefined && /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(code);
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
