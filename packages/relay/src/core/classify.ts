/** What the node's answer is, told by status and first byte. Pure: it is also part of the Apps Script file. */
import type { Failure } from './failure.js';

/** `json` level 1; `text` base64 of level 2; `bytes` anything binary that a body may be. */
export type Form = 'json' | 'text' | 'bytes';

const LEFT_BRACE = 0x7b;
const LETTER_A = 0x41;
const LESS_THAN = 0x3c;
/** First bytes of binary bodies: a packet, a sealed packet, gzip. */
const BINARY = new Set([0x01, 0x02, 0x1f]);
/** White space, and a byte order mark as a byte and as a character. */
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xfeff]);

/** The form of a body by its first byte; undefined where no body begins so. */
export function formOf(firstByte: number): Form | undefined {
  if (firstByte === LEFT_BRACE) return 'json';
  if (firstByte === LETTER_A) return 'text';
  return BINARY.has(firstByte) ? 'bytes' : undefined;
}

/** Why a body that begins like this is not one of a node. */
export function failureOfStart(firstByte: number): Failure {
  // Pages often begin with an empty line or a byte order mark; nothing else that begins so is expected.
  if (firstByte === LESS_THAN || WHITE_SPACE.has(firstByte)) {
    return { code: 'RELAY_HTML', message: "the node's address answered a web page instead of a tunnel body" };
  }
  return { code: 'RELAY_BODY', message: "the node's address answered something that is not a tunnel body" };
}

/**
 * Why a status other than 200 has no body to hand back. RELAY_NODE_DOWN is never said here: whoever answered, a proxy
 * before the node included, may have passed the request on before.
 */
export function failureOfStatus(status: number): Failure {
  // Some runtimes hide the status of a redirect that is not followed, and say 0.
  if (status === 0 || (status >= 300 && status < 400)) {
    return { code: 'RELAY_REDIRECT', message: "the node's address redirects, which a relay does not follow" };
  }
  switch (status) {
    case 401:
    case 403:
    case 404:
      return { code: 'RELAY_AUTH', message: `the node's address answered ${status}: wrong key, or no node there` };
    case 413:
      return { code: 'BODY_TOO_LARGE', message: "the node's address answered 413: the request is too large for it" };
    case 429:
      return { code: 'RELAY_QUOTA_RATE', message: "the node's address answered 429: too many requests" };
    case 408:
    case 504:
      return { code: 'RELAY_TIMEOUT', message: `the node's address answered ${status}: too slow` };
    default:
      return { code: 'RELAY_STATUS', message: `the node's address answered status ${status}` };
  }
}

/** Whether the body of another status is an error of the node's own, `{"e":…}`, which says more than the status. */
export function isErrorBody(text: string): boolean {
  if (!text.startsWith('{')) return false;
  try {
    const value = JSON.parse(text) as { e?: unknown };
    return typeof value.e === 'string';
  } catch {
    return false;
  }
}
