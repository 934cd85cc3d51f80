import type { MillraceEvent } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { renderEvent } from './render-event.js';

const RELAY = 'https://relay.example';

test.each<[MillraceEvent, string | undefined]>([
  [
    { event: 'peer', relay: RELAY, version: '0.1.0', level: 1, caps: 1, node: 'abcdefghijkl' },
    `relay ${RELAY} leads to node (abcdefgh): version 0.1.0, level 1`,
  ],
  [{ event: 'peer', relay: RELAY, level: 1, caps: 0 }, `relay ${RELAY} leads to node: version unknown, level 1`],
  [
    { event: 'relay-failed', relay: RELAY, code: 'RELAY_HTML', message: 'a page', restMs: 4200 },
    `relay ${RELAY} failed: RELAY_HTML: a page; next try in 4 s`,
  ],
  [
    { event: 'relay-failed', relay: RELAY, code: 'RELAY_HTML', message: 'a page', restMs: 0 },
    `relay ${RELAY} failed: RELAY_HTML: a page`,
  ],
  [{ event: 'relay-works', relay: RELAY }, `relay ${RELAY} works again`],
  [
    {
      event: 'accounts-exhausted',
      code: 'RELAY_QUOTA_DAY',
      account: 'mine',
      accounts: ['mine', 'yours'],
      relays: [RELAY],
      until: Date.UTC(2026, 10, 20, 16),
      inMs: (3 * 60 + 12) * 60_000 - 20_000,
      timeZone: 'America/Los_Angeles',
    },
    'all accounts are used up until 08:00 (America/Los_Angeles), in 3 h 12 min',
  ],
  [
    {
      event: 'accounts-exhausted',
      code: 'RELAY_QUOTA_RATE',
      account: 'mine',
      accounts: ['mine'],
      relays: [RELAY],
      until: new Date(2026, 10, 20, 0, 4, 59).getTime(),
      inMs: 61_000,
    },
    'account mine is told to wait (RELAY_QUOTA_RATE) until 00:05, in 2 min',
  ],
  [
    {
      event: 'accounts-exhausted',
      code: 'RELAY_QUOTA_RATE',
      account: 'mine',
      accounts: ['mine'],
      relays: [RELAY],
      until: new Date(2026, 10, 20, 0, 4, 59).getTime() - 1,
      inMs: 4_100,
    },
    'account mine is told to wait (RELAY_QUOTA_RATE) until 00:04:59, in 5 s',
  ],
  [
    { event: 'state-failed', phase: 'load', message: 'not JSON' },
    'what was kept (--state-file) cannot be read, and is begun anew: not JSON',
  ],
  [
    { event: 'state-failed', phase: 'save', message: 'no space' },
    'what is to be kept (--state-file) cannot be written: no space',
  ],
  [
    {
      event: 'open-failed',
      id: 3,
      kind: 'stream',
      code: 'DIAL_REFUSED',
      ms: 12.34,
      checkpoints: [{ step: 'sent', ms: 1.26 }],
    },
    '#3 stream not opened: DIAL_REFUSED after 12 ms (sent 1.3 ms)',
  ],
  [{ event: 'open-failed', id: 3, kind: 'flow', code: 'ABORTED', ms: 1 }, '#3 flow not opened: ABORTED after 1 ms'],
  [
    {
      event: 'timing',
      id: 4,
      checkpoints: [
        { step: 'tcp', ms: 0 },
        { step: 'first-byte', ms: 120.4 },
      ],
    },
    '#4 tcp 0 ms, first-byte 120 ms',
  ],
  [
    { event: 'proxy-refused', proxy: 'http', code: 'MESSAGE_INVALID', message: 'no' },
    'http turned a program away: MESSAGE_INVALID: no',
  ],
  [{ event: 'check', name: 'tcp', ok: true, message: 'open', ms: 1 }, 'ok   tcp      open'],
  [
    { event: 'check', name: 'tls', ok: false, code: 'RELAY_TLS', message: 'broken', next: 'mend it', ms: 1 },
    'FAIL tls      RELAY_TLS: broken\n       next: mend it',
  ],
  [
    { event: 'check', name: 'ipv6', ok: false, warning: true, code: 'PEER_NO_IPV6', message: 'none', ms: 1 },
    'warn ipv6     PEER_NO_IPV6: none',
  ],
  [{ event: 'shutdown', phase: 'draining', streams: 1 }, 'stopping: 1 stream is still open'],
  [{ event: 'shutdown', phase: 'draining', streams: 0 }, 'stopping: 0 streams are still open'],
  [{ event: 'shutdown', phase: 'closed', streams: 0 }, 'closed'],
  [{ event: 'ready' }, undefined],
  [{ event: 'opened', id: 1, kind: 'stream', ms: 1 }, undefined],
])('%j', (event, text) => {
  expect(renderEvent(event)).toBe(text);
});
