/** What an error reply of a node means. Newer nodes say a code; older ones only words. */
import type { ErrorCode, TunnelResponse } from '@millrace/protocol';
import { knownCode } from '../carriers/error-answer.js';
import { quoted } from '../carriers/words.js';
import { TunnelError } from '../errors.js';

/** Words of older nodes about a dial. The first that matches wins. */
const DIAL_WORDS: ReadonlyArray<readonly [RegExp, ErrorCode]> = [
  [/refused/i, 'DIAL_REFUSED'],
  [/timed? ?out|timeout|deadline/i, 'DIAL_TIMEOUT'],
  [/network is unreachable|net unreachable|enetunreach/i, 'DIAL_NET_UNREACHABLE'],
  [/unreachable|no route/i, 'DIAL_HOST_UNREACHABLE'],
  [/temporary failure|try again|eai_again/i, 'DIAL_NAME_FAILED'],
  [/resolve|lookup|not known|no such host|not found|nxdomain|dns/i, 'DIAL_NAME_NOT_FOUND'],
  [/denied|not allowed|blocked|forbidden|policy/i, 'POLICY_DENIED'],
];

/** The error of a reply to an op that opens. */
export function dialError(reply: TunnelResponse): TunnelError {
  const words = reply.e ?? '';
  const told = DIAL_WORDS.find(([pattern]) => pattern.test(words))?.[1];
  return new TunnelError(codeOf(reply) ?? told ?? 'DIAL_FAILED', `the node could not open it: ${quoted(words)}`);
}

/** The error of a reply to an op on something that is open. */
export function streamError(reply: TunnelResponse): TunnelError {
  const words = reply.e ?? '';
  const told = /unknown (session|sid|stream)|no such (session|stream)/i.test(words) ? 'UNKNOWN_SID' : 'TARGET_RESET';
  return new TunnelError(codeOf(reply) ?? told, `the node ended it: ${quoted(words)}`);
}

/** Whether a node does not know the op. */
export function isUnsupported(reply: TunnelResponse): boolean {
  if (reply.e === undefined && reply.code === undefined) return false;
  return (
    reply.code === 'UNSUPPORTED_OP' ||
    (reply.code === undefined && /(unknown|unsupported|invalid) op/i.test(reply.e ?? ''))
  );
}

/** The reply's code, if it is one that this version knows. */
export function codeOf(reply: { code?: string }): ErrorCode | undefined {
  return knownCode(reply.code);
}
