import type { Failure } from '../core/failure.js';

/** What `UrlFetchApp` throws, by its words; the platform has no codes. The first that matches counts. */
const EXCEPTIONS: ReadonlyArray<readonly [RegExp, Failure]> = [
  [
    /for one day|bandwidth quota|computer time/i,
    { code: 'RELAY_QUOTA_DAY', message: "the script's account has used up its daily quota" },
  ],
  [
    /short time|too many (times|simultaneous)|rate limit/i,
    { code: 'RELAY_QUOTA_RATE', message: "the script's account makes too many requests at once" },
  ],
  [/timeout|timed out/i, { code: 'RELAY_TIMEOUT', message: 'the node did not answer the script in time' }],
  [/dns error|address unavailable/i, { code: 'RELAY_NODE_DOWN', message: 'the relay could not reach its node' }],
];

const UNKNOWN: Failure = {
  code: 'RELAY_TRUNCATED',
  message: "the script's request to the node ended without an answer",
};

/**
 * The failure behind an exception of `UrlFetchApp`. Its text is not handed on, since it names the node. Whatever is not
 * known may have reached the node.
 */
export function failureOfException(text: string): Failure {
  // An address in it may hold any words.
  const said = text.replace(/https?:\S+/g, '');
  const known = EXCEPTIONS.find(([words]) => words.test(said));
  return known === undefined ? UNKNOWN : known[1];
}
