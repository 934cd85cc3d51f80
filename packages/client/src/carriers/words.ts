/**
 * What the words of a relay mean. Platforms tell quotas, sign-ins and failures in prose, as pages or as the text of an
 * error; scripts of the existing kind hand their own words on. Nothing here is exact: an unknown text stays unknown.
 */
import type { ErrorCode } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';

/** A cause, and whether the request may have been executed in spite of it. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly ambiguous: boolean;
}

/** The first that matches wins. Each is refused before the node is asked, unless it says otherwise. */
const MEANINGS: ReadonlyArray<readonly [RegExp, Meaning]> = [
  // Apps Script: "Service invoked too many times for one day: urlfetch."
  [
    /too many times for one day|daily (limit|quota|usage)|quota.{0,40}(day|daily)|bandwidth quota exceeded/i,
    { code: 'RELAY_QUOTA_DAY', ambiguous: false },
  ],
  // "Service invoked too many times in a short time", "There are too many scripts running simultaneously".
  [
    /too many times in a short time|too many (scripts running|simultaneous|concurrent|requests)|rate.?limit|quota|slow down/i,
    { code: 'RELAY_QUOTA_RATE', ambiguous: false },
  ],
  [
    /unauthori[sz]ed|bad (key|auth|token)|wrong (key|token)|invalid (key|token)|forbidden|access denied/i,
    { code: 'RELAY_AUTH', ambiguous: false },
  ],
  // UrlFetchApp: "DNS error: http://…", "Address unavailable: http://…".
  [
    /dns error|address unavailable|connection refused|econnrefused|enotfound/i,
    { code: 'RELAY_NODE_DOWN', ambiguous: false },
  ],
  [/timed? ?out|timeout|exceeded maximum execution time/i, { code: 'RELAY_TIMEOUT', ambiguous: true }],
];

/** What `text` means, if anything known. */
export function meaningOf(text: string): Meaning | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1];
}

/** Whether a body is an HTML page. */
export function isHtml(text: string): boolean {
  return /^\s*<(!doctype|html|head|body|\?xml|!--|title|meta|script|div|p|h1|center)\b/i.test(text);
}

/** What a page says, without markup, short enough for a message. */
export function quoted(text: string): string {
  const plain = text
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const short =
    plain.length > CLIENT_LIMITS.maxQuotedCharacters ? `${plain.slice(0, CLIENT_LIMITS.maxQuotedCharacters)}…` : plain;
  return short === '' ? 'nothing to read' : `"${short}"`;
}
