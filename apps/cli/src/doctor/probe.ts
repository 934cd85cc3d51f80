import type { ErrorCode, PeerEvent, RelayEntry } from '@millrace/protocol';
import { CAPABILITY, VERSION } from '@millrace/protocol';
import { peerText } from '../output/render-event.js';
import { failed, passed, type Finding } from './checklist.js';

/** What a relay said to the op `version`. */
export interface Probe {
  readonly peer?: PeerEvent;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** The steps that an answer goes through, in order. */
const STEPS = ['answer', 'body', 'node', 'auth'] as const;

type Step = (typeof STEPS)[number];

/** Steps other than `answer` that a failure belongs to. */
const STEP_OF: Partial<Record<ErrorCode, Step>> = {
  RELAY_HTML: 'body',
  RELAY_EMPTY: 'body',
  RELAY_BODY: 'body',
  BODY_EMPTY: 'body',
  BODY_UNKNOWN_FORM: 'body',
  BODY_NOT_JSON: 'body',
  BODY_TRUNCATED: 'body',
  BODY_TOO_LARGE: 'body',
  BODY_TOO_DEEP: 'body',
  MESSAGE_INVALID: 'body',
  REPLY_COUNT: 'body',
  RELAY_NODE_DOWN: 'node',
  NODE_BUSY: 'node',
  RELAY_AUTH: 'auth',
};

const STEP_TEXT: Readonly<Record<Step, string>> = {
  answer: 'requests are answered there',
  body: 'its answers are tunnel bodies',
  node: 'it reaches its node',
  auth: 'the key is the right one',
};

/**
 * The findings of a probe. A failure shows that somebody answered, and the step that it belongs to; what lies between the two
 * was not seen: a relay that refuses does not say whether it reached its node.
 */
export function probeFindings(
  { peer, error }: Probe,
  kind: RelayEntry['kind'] = 'relay',
): Array<[name: string, finding: Finding]> {
  if (!error && !peer) return [['answer', failed('INTERNAL', 'the probe ended without a result')]];
  if (!error) return STEPS.map((step): [string, Finding] => [step, passed(STEP_TEXT[step])]);
  const step = STEP_OF[error.code] ?? 'answer';
  const next = error.code === 'RELAY_AUTH' ? { next: REFUSED_NEXT[kind] } : {};
  const answered: Array<[string, Finding]> = step === 'answer' ? [] : [['answer', passed(STEP_TEXT.answer)]];
  return [...answered, [step, failed(error.code, error.message, next)]];
}

/** What to compare when a request was refused, the nearest hop first: relays and nodes refuse alike. */
const REFUSED_NEXT: Readonly<Record<NonNullable<RelayEntry['kind']>, string>> = {
  node:
    'Compare the key on both sides; `millrace node --diagnose` says why. ' +
    'If a relay answers at that address, leave out `kind=node` and give its token.',
  relay:
    "Compare the token (`token-file`) with the relay's, and check that a relay answers at that address (`kind`); " +
    "then compare the key with the node's.",
  script:
    'Compare the token (`token-file`) with the key in the script, and check that the address is that of its newest ' +
    'deployment (`kind`).',
};

/** Whether the node can do what this version wants of it. */
export function versionFinding(peer: PeerEvent): Finding {
  const text = peerText(peer);
  // At level 2 alone a node does not tell it.
  if (peer.version === undefined && peer.level < 2) {
    return failed('PEER_VERSION', `the node is older: it does not tell its version (${text})`, { warning: true });
  }
  if (peer.level < 2 && (peer.caps & CAPABILITY.PIPELINE_SEQ) === 0) {
    const message = `the node is older: one op of a stream at a time, so each takes a whole round trip (${text})`;
    return failed('PEER_VERSION', message, { warning: true });
  }
  return passed(peer.version === undefined || peer.version === VERSION ? text : `${text}; this is ${VERSION}`);
}

/** Whether the clocks agree. Absent where the node does not tell its time. */
export function clockFinding(peer: PeerEvent, maxSkewSeconds: number): Finding | undefined {
  if (peer.clockSkewMs === undefined) return undefined;
  const seconds = Math.round(Math.abs(peer.clockSkewMs) / 1000);
  const text = `the node's clock is ${seconds} s ${peer.clockSkewMs < 0 ? 'behind' : 'ahead of'} this one`;
  if (seconds <= maxSkewSeconds) return passed(seconds === 0 ? 'the clocks agree' : text);
  const next = 'Set the clock that is wrong, here or at the node: keys and certificates depend on it.';
  return failed('CLOCK_SKEW', `${text}; ${maxSkewSeconds} s is allowed`, { next });
}

/** Whether all relays lead to one node. Absent where fewer than two told which. */
export function nodesFinding(peers: readonly PeerEvent[]): Finding | undefined {
  const told = peers.filter(({ node }) => node !== undefined);
  const [first, ...others] = told;
  if (!first || others.length === 0) return undefined;
  const other = others.find(({ node }) => node !== first.node);
  if (!other) return passed(`all ${told.length} relays lead to one node`);
  return failed('PEER_DIFFERENT_NODES', `${first.relay} leads to another node than ${other.relay}`);
}
