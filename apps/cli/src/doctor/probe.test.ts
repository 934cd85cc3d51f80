import { VERSION, type PeerEvent } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { clockFinding, nodesFinding, probeFindings, versionFinding } from './probe.js';

const PEER: PeerEvent = {
  event: 'peer',
  relay: 'http://a',
  version: VERSION,
  level: 1,
  caps: 1,
  node: 'one',
  clockSkewMs: 0,
};

const peer = (change: Partial<PeerEvent>): PeerEvent => ({ ...PEER, ...change });

const steps = (probe: Parameters<typeof probeFindings>[0]) =>
  probeFindings(probe).map(([name, finding]) => (finding.ok ? name : `${name}: ${finding.code}`));

describe('a probe', () => {
  test('that was answered has passed every step', () => {
    expect(steps({ peer: PEER })).toEqual(['answer', 'body', 'node', 'auth']);
  });

  test.each([
    ['RELAY_TIMEOUT', ['answer: RELAY_TIMEOUT']],
    ['RELAY_QUOTA_DAY', ['answer: RELAY_QUOTA_DAY']],
    ['RELAY_HTML', ['answer', 'body: RELAY_HTML']],
    ['RELAY_TRUNCATED', ['answer: RELAY_TRUNCATED']],
    ['RELAY_NODE_DOWN', ['answer', 'node: RELAY_NODE_DOWN']],
    ['RELAY_AUTH', ['answer', 'auth: RELAY_AUTH']],
  ] as const)('that failed by %s failed at its step, and what was not seen is not said', (code, expected) => {
    expect(steps({ error: { code, message: 'why' } })).toEqual(expected);
  });

  test.each([
    ['node', /^Compare the key on both sides.*kind=node/],
    ['relay', /^Compare the token \(`token-file`\) with the relay's.*`kind`/],
    ['script', /^Compare the token \(`token-file`\) with the key in the script/],
  ] as const)('that a %s refused says what to compare', (kind, next) => {
    const findings = probeFindings({ error: { code: 'RELAY_AUTH', message: 'why' } }, kind);
    expect(findings.at(-1)?.[1]).toMatchObject({ next: expect.stringMatching(next) as unknown });
  });

  test('without a result is a bug', () => {
    expect(steps({})).toEqual(['answer: INTERNAL']);
  });
});

describe('the version', () => {
  test('of today is fine', () => {
    expect(versionFinding(PEER)).toEqual({ ok: true, message: `version ${VERSION}, level 1` });
  });

  test('that differs is told', () => {
    expect(versionFinding(peer({ version: '99.0.0' }))).toEqual({
      ok: true,
      message: `version 99.0.0, level 1; this is ${VERSION}`,
    });
  });

  test.each([[{ version: undefined }], [{ caps: 0 }]])('of an older node, %j, is a warning', (change) => {
    expect(versionFinding({ ...PEER, ...change })).toMatchObject({
      ok: false,
      warning: true,
      code: 'PEER_VERSION',
    });
  });
});

describe('the clock', () => {
  test('may differ a little', () => {
    expect(clockFinding(PEER, 60)).toEqual({ ok: true, message: 'the clocks agree' });
    expect(clockFinding(peer({ clockSkewMs: 60_000 }), 60)).toMatchObject({
      ok: true,
      message: "the node's clock is 60 s ahead of this one",
    });
  });

  test.each([
    [61_000, 'ahead of'],
    [-3_600_000, 'behind'],
  ])('that differs by %i ms is CLOCK_SKEW', (clockSkewMs, words) => {
    expect(clockFinding(peer({ clockSkewMs }), 60)).toMatchObject({
      ok: false,
      code: 'CLOCK_SKEW',
      message: expect.stringContaining(words) as unknown,
    });
  });

  test('that is not told is not checked', () => {
    const { clockSkewMs: _, ...silent } = PEER;
    expect(clockFinding(silent, 60)).toBeUndefined();
  });
});

describe('the nodes behind several relays', () => {
  test('are one', () => {
    expect(nodesFinding([PEER, peer({ relay: 'http://b' })])).toMatchObject({ ok: true });
  });

  test('that differ are named by their relays', () => {
    const finding = nodesFinding([PEER, peer({ relay: 'http://b' }), peer({ relay: 'http://c', node: 'two' })]);
    expect(finding).toEqual({
      ok: false,
      code: 'PEER_DIFFERENT_NODES',
      message: 'http://a leads to another node than http://c',
    });
  });

  test('are not compared where fewer than two tell', () => {
    const { node: _, ...silent } = PEER;
    expect(nodesFinding([])).toBeUndefined();
    expect(nodesFinding([PEER, silent])).toBeUndefined();
  });
});
