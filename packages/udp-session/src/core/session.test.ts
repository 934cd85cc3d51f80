import { describe, expect, test } from 'vitest';

import { createFec } from '../fec/index.js';
import { createNodeCrypto } from '../node/crypto.js';
import type { SessionOptions } from './options.js';
import { SessionCore } from './session.js';
import { Pair } from '../../test/sim/pair.js';
import { percentile, sendFrames } from '../../test/sim/traffic.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each(['aes-128-gcm', 'chacha20-poly1305'] as const)('%s', (cipher) => {
  test('frames, events and datagrams arrive, and keys rotate under way', () => {
    const pair = new Pair({
      cipher,
      link: { delayMs: 10, loss: 0.02, reorder: 0.1, reorderMs: 5 },
      host: { packetsPerPhase: 50 },
      client: { packetsPerPhase: 50 },
    });
    const result = sendFrames(pair, { frames: 60, everyMs: 16, bytes: (i) => i * 1000, deadlineMs: 500 });
    pair.schedule(100, () => pair.host.sendDatagram(bytes('to the client'), pair.now));
    pair.schedule(100, () => pair.client.sendDatagram(bytes('to the host'), pair.clientNow));
    pair.run(3000);
    expect([result.delivered, result.wrong]).toEqual([60, 0]);
    expect(pair.host.stats.packetsSent).toBeGreaterThan(1000);
    expect(pair.client.stats.packetsNotAuthentic + pair.client.stats.packetsReplayed).toBe(0);
    expect(pair.clientEvents).toContainEqual({ type: 'datagram', data: bytes('to the client') });
    expect(pair.hostEvents).toContainEqual({ type: 'datagram', data: bytes('to the host') });
  });
});

test('events arrive once and in order in both directions, whatever is lost, doubled or reordered', () => {
  const link = { delayMs: 15, loss: 0.2, burst: 3, reorder: 0.3, reorderMs: 30, duplicate: 0.1 };
  for (let seed = 1; seed <= 5; seed++) {
    const pair = new Pair({ link, seed });
    for (let i = 0; i < 1000; i++) {
      pair.schedule(i * 3, () => pair.host.sendEvent(bytes(`h${i}`), pair.now));
      pair.schedule(i * 3, () => pair.client.sendEvent(bytes(`c${i}`), pair.clientNow));
    }
    pair.run(20_000);
    const texts = (events: typeof pair.hostEvents): string[] =>
      events.flatMap((event) => (event.type === 'event' ? [new TextDecoder().decode(event.data)] : []));
    expect(texts(pair.clientEvents)).toEqual(Array.from({ length: 1000 }, (_, i) => `h${i}`));
    expect(texts(pair.hostEvents)).toEqual(Array.from({ length: 1000 }, (_, i) => `c${i}`));
  }
});

test('datagrams arrive at most once, although small ones are sent twice when packets get lost', () => {
  const pair = new Pair({ link: { delayMs: 15, loss: 0.05, duplicate: 0.2, reorder: 0.2, reorderMs: 10 } });
  for (let i = 0; i < 2000; i++) pair.schedule(i * 5, () => pair.host.sendDatagram(bytes(`${i}`), pair.now));
  pair.run(11_000);
  const got = pair.clientEvents.flatMap((event) =>
    event.type === 'datagram' ? [Number(new TextDecoder().decode(event.data))] : [],
  );
  expect(new Set(got).size).toBe(got.length);
  expect(got.length).toBeGreaterThan(1980);
  expect(pair.host.stats.copiesSent).toBeGreaterThan(1000);
});

/** The 99th percentile of echoes of 64-byte events and datagrams, 100 a second, at 25 ms each way. */
function echoes(loss: number, kind: 'event' | 'datagram'): { p99: number; missing: number } {
  const pair = new Pair({ link: { delayMs: 25, loss }, seed: 11 });
  const sentAt: number[] = [];
  const took: number[] = [];
  pair.onEvent = (side, event) => {
    if (event.type !== kind) return;
    if (side === 'client') {
      if (kind === 'event') pair.client.sendEvent(event.data, pair.clientNow);
      else pair.client.sendDatagram(event.data, pair.clientNow);
    } else took.push(pair.now - sentAt[new DataView(event.data.buffer).getUint32(0)]!);
  };
  for (let i = 0; i < 6000; i++) {
    pair.schedule(i * 10, () => {
      const data = new Uint8Array(64);
      new DataView(data.buffer).setUint32(0, i);
      sentAt[i] = pair.now;
      if (kind === 'event') pair.host.sendEvent(data, pair.now);
      else pair.host.sendDatagram(data, pair.now);
    });
  }
  pair.run(62_000);
  // What never came back counts as endless.
  const missing = 6000 - took.length;
  return { p99: percentile([...took, ...Array.from({ length: missing }, () => Infinity)], 0.99), missing };
}

test('the tail of small messages is a round trip plus 10 ms at 1 % loss, plus 25 ms at 5 %', () => {
  // All on the virtual clock: these are exact, not measured.
  for (const kind of ['event', 'datagram'] as const) {
    expect(echoes(0.01, kind).p99).toBeLessThan(60);
    expect(echoes(0.05, kind).p99).toBeLessThan(75);
  }
  expect(echoes(0.05, 'event').missing).toBe(0);
});

test('lost and late packets are told apart within 1 %', () => {
  const pair = new Pair({
    link: { delayMs: 10, loss: 0.05, reorder: 0.2, reorderMs: 10, duplicate: 0.02 },
    back: { delayMs: 10 },
    host: { fixedRate: 40e6 },
  });
  sendFrames(pair, { frames: 1200, everyMs: 1000 / 60, bytes: 50_000, deadlineMs: 500 });
  pair.run(21_000);
  pair.host.close();
  pair.run(21_500);
  const { packetsLost, packetsReceived, packetsReplayed } = pair.client.stats;
  const sent = pair.host.stats.packetsSent;
  // The two that say goodbye come after the end of all counting.
  expect(packetsReceived + packetsLost).toBeGreaterThanOrEqual(sent - 3);
  expect(Math.abs(packetsLost - pair.toClient.dropped)).toBeLessThan(0.01 * pair.toClient.dropped);
  expect(packetsReplayed).toBeGreaterThan(0.015 * sent);
});

test('packets reordered within 10 ms are never taken for lost, and cost no parity', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const loss = seed % 2 === 0 ? 0.05 : 0;
    const pair = new Pair({ link: { delayMs: 20, loss, reorder: 0.2, reorderMs: 10 }, back: { delayMs: 20 }, seed });
    sendFrames(pair, { frames: 90, everyMs: 1000 / 60, bytes: 50_000, deadlineMs: 150 });
    pair.run(1500);
    // Before anything is measured some loss is feared; that is over by now.
    if (loss === 0) expect(pair.host.path.loss).toBeLessThan(0.001);
    else expect(pair.host.path.loss).toBeLessThan(0.13);
    pair.run(2500);
    const { packetsLost, packetsLate } = pair.client.stats;
    expect([packetsLost, packetsLate]).toEqual([pair.toClient.dropped, 0]);
  }
});

test('what was given up and comes after all is late, not lost', () => {
  const pair = new Pair({ link: { delayMs: 10 }, back: { delayMs: 10 }, host: { fixedRate: 20e6 } });
  sendFrames(pair, { frames: 300, everyMs: 10, bytes: 20_000, deadlineMs: 900 });
  // A tenth of a second in which a fifth of the packets take up to 200 ms longer.
  pair.schedule(1000, () => Object.assign(pair.toClient.options, { reorder: 0.2, reorderMs: 200 }));
  pair.schedule(1100, () => Object.assign(pair.toClient.options, { reorder: 0 }));
  pair.run(5000);
  expect(pair.client.stats.packetsLate).toBeGreaterThan(5);
  expect(pair.client.stats.packetsLost).toBe(0);
});

describe('the path', () => {
  /** Sends more than any rate of the test; returns bytes per ms that arrived in each round trip. */
  function saturate(pair: Pair, fromMs: number, untilMs: number): void {
    const frame = new Uint8Array(400_000);
    for (let at = fromMs; at < untilMs; at += 10) {
      pair.schedule(at, () => pair.host.sealFrame(frame, { deadlineMs: 200 }, pair.now));
    }
    pair.onEvent = (_side, event) => {
      if (event.type === 'frame') event.release();
    };
  }

  test.each([0, 0.02])(
    'the rate follows a step within five round trips and the queue stays short, at %f loss',
    (loss) => {
      const roundTrip = 80;
      const link = { delayMs: roundTrip / 2, rate: 12_500, queueBytes: 1e9, loss };
      const pair = new Pair({ link, back: { delayMs: roundTrip / 2 }, host: { parityCeiling: 0.1 } });
      saturate(pair, 0, 12_000);
      const arriving = (fromMs: number, untilMs: number): number => {
        pair.run(fromMs);
        const before = pair.client.stats.bytesReceived;
        pair.toClient.longestQueueMs = 0;
        pair.run(untilMs);
        return (pair.client.stats.bytesReceived - before) / (untilMs - fromMs);
      };
      expect(arriving(2000, 4000)).toBeGreaterThan(0.9 * 12_500 * (1 - loss));
      expect(pair.toClient.longestQueueMs).toBeLessThan(roundTrip);
      pair.toClient.options.rate = 6250;
      pair.run(4000 + 5 * roundTrip);
      expect(pair.host.path.rate).toBeGreaterThan(0.8 * 6250 * (1 - loss));
      expect(pair.host.path.rate).toBeLessThan(1.2 * 6250);
      expect(arriving(5000, 8000)).toBeGreaterThan(0.9 * 6250 * (1 - loss));
      expect(pair.toClient.longestQueueMs).toBeLessThan(roundTrip);
      pair.toClient.options.rate = 12_500;
      expect(arriving(8000 + 5 * roundTrip, 8000 + 7 * roundTrip)).toBeGreaterThan(0.8 * 12_500 * (1 - loss));
      expect(arriving(9000, 12_000)).toBeGreaterThan(0.9 * 12_500 * (1 - loss));
      expect(pair.toClient.longestQueueMs).toBeLessThan(1.5 * roundTrip);
    },
  );

  // A round is a round trip and the time until the next report.
  test.each([5, 20, 50, 100])(
    'a step down is followed within five rounds, and the queue stays short, at a round trip of %i ms',
    (roundTrip) => {
      for (let seed = 1; seed <= 3; seed++) {
        const link = { delayMs: roundTrip / 2, rate: 12_500, queueBytes: 1e9, loss: 0.01 };
        const pair = new Pair({ seed, link, back: { delayMs: roundTrip / 2 }, host: { parityCeiling: 0.1 } });
        const stepAt = 2000 + seed * 0.77 * roundTrip;
        saturate(pair, 0, 3000);
        pair.run(1500);
        pair.toClient.longestQueueMs = 0;
        pair.run(stepAt);
        expect(pair.host.path.rate).toBeGreaterThan(0.8 * 12_500);
        expect(pair.toClient.longestQueueMs).toBeLessThan(1.5 * Math.max(roundTrip, 20));
        pair.toClient.options.rate = 6250;
        pair.run(stepAt + 5 * (roundTrip + 20));
        expect(pair.host.path.rate).toBeGreaterThan(0.8 * 6250);
        expect(pair.host.path.rate).toBeLessThan(1.2 * 6250);
      }
    },
  );

  test('packets that take longer than others, come twice or not at all are no queue', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const pair = new Pair({ link: { delayMs: 25, loss: 0.1, reorder: 0.2, reorderMs: 40, duplicate: 0.2 }, seed });
      const result = sendFrames(pair, { frames: 250, everyMs: 16, bytes: 5600, deadlineMs: 400 });
      pair.run(5000);
      expect([result.delivered > 245, pair.host.stats.framesDropped, result.wrong]).toEqual([true, 0, 0]);
    }
  });

  test('a policer that drops without a queue costs a part of the packets, not most of them', () => {
    const link = { delayMs: 20, rate: 6000, queueBytes: 6000 };
    const pair = new Pair({ link, back: { delayMs: 20 }, host: { parityCeiling: 0.1 } });
    saturate(pair, 0, 10_000);
    pair.run(3000);
    const [sent, got] = [pair.host.stats.packetsSent, pair.client.stats.packetsReceived];
    pair.run(10_000);
    const arrived = (pair.client.stats.packetsReceived - got) / (pair.host.stats.packetsSent - sent);
    expect(arrived).toBeGreaterThan(0.85);
    expect(pair.client.stats.bytesReceived / 10_000).toBeGreaterThan(0.85 * 6000);
  });

  test('its packet size is found in a few round trips, a black hole within 2 s, and a better path again', () => {
    const link = { delayMs: 20, mtu: 1472 };
    const pair = new Pair({ link });
    const result = sendFrames(pair, { frames: 3000, everyMs: 16, bytes: 20_000, deadlineMs: 300 });
    pair.run(200);
    expect(pair.host.path.packetBytes).toBe(1472);
    pair.run(2000);
    pair.toClient.options.mtu = 1252;
    pair.run(4000);
    expect(pair.host.path.packetBytes).toBeLessThanOrEqual(1252);
    pair.run(5000);
    expect(pair.host.path.packetBytes).toBeGreaterThan(1230);
    expect(pair.host.path.packetBytes).toBeLessThanOrEqual(1252);
    const before = result.delivered;
    pair.run(6000);
    expect(result.delivered - before).toBeGreaterThan(60);
    pair.toClient.options.mtu = 1472;
    pair.run(40_000);
    expect(pair.host.path.packetBytes).toBe(1472);
    pair.run(49_000);
    expect(result.wrong).toBe(0);
    expect(result.delivered).toBeGreaterThan(2900);
  });

  test('an address that changes is validated, and the session goes on', () => {
    const pair = new Pair({ link: { delayMs: 20, loss: 0.02 } });
    const result = sendFrames(pair, { frames: 600, everyMs: 16, bytes: 20_000, deadlineMs: 400 });
    pair.schedule(5000, () => {
      pair.clientAddress = '203.0.113.9:6000';
    });
    pair.run(12_000);
    expect(pair.hostEvents).toContainEqual({ type: 'path', address: '203.0.113.9:6000' });
    expect(pair.host.peer).toBe('203.0.113.9:6000');
    expect(result.wrong).toBe(0);
    // The frames of the round trips in between are sent to an address where nobody is.
    expect(result.delivered).toBeGreaterThan(570);
  });

  test('a copy of a packet from elsewhere moves nothing', () => {
    const pair = new Pair({ link: { delayMs: 20 } });
    sendFrames(pair, { frames: 100, everyMs: 16, bytes: 20_000, deadlineMs: 400 });
    pair.run(500);
    pair.client.sendEvent(bytes('hello'), pair.clientNow);
    const transmit = pair.client.pollTransmit(pair.clientNow)!;
    const packet = transmit.slab.slice(transmit.offsets[0], transmit.offsets[0]! + transmit.lengths[0]!);
    pair.host.handleDatagram(packet.slice(), '203.0.113.66:666', pair.now);
    pair.run(3000);
    expect(pair.host.peer).toBe(pair.clientAddress);
    expect(pair.hostEvents.some((event) => event.type === 'path')).toBe(false);
  });

  test('a silent peer ends the session after the idle time', () => {
    const pair = new Pair({ link: { delayMs: 20 }, host: { idleTimeoutMs: 5000 }, client: { idleTimeoutMs: 60_000 } });
    pair.run(20_000);
    expect(pair.hostEvents).toEqual([]);
    pair.toHost.options.loss = 1;
    pair.run(27_000);
    expect(pair.hostEvents).toEqual([{ type: 'closed', code: 'SESSION_TIMEOUT' }]);
    expect(() => pair.host.sendEvent(bytes('x'), pair.now)).toThrow('closed');
  });
});

test('what is given may be reused at once, also where it is a Node Buffer', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  const data = Buffer.alloc(100, 7);
  pair.host.sealFrame(data, {}, 0);
  pair.host.sendEvent(data, 0);
  pair.host.sendDatagram(data, 0);
  data.fill(0);
  pair.run(1000);
  expect(pair.clientEvents.length).toBe(3);
  for (const event of pair.clientEvents) {
    if ('data' in event) expect([...event.data]).toEqual(Array.from({ length: 100 }, () => 7));
  }
});

test('keys that are given stay as they are, and are not needed afterwards', () => {
  const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
  const environment = { crypto: createNodeCrypto(), fec: createFec(), random: (n: number) => new Uint8Array(n) };
  const make = (send: 0 | 1) =>
    new SessionCore(
      environment,
      {
        cipher: 'aes-128-gcm',
        sendSecret: secrets[send],
        receiveSecret: secrets[send === 0 ? 1 : 0],
        localId: 1,
        peerId: 1,
      },
      {},
      'peer',
      0,
    );
  const [a, b] = [make(0), make(1)];
  expect(secrets[0].equals(Buffer.alloc(32, 1))).toBe(true);
  a.sendEvent(bytes('x'), 0);
  const out = a.pollTransmit(0)!;
  for (const secret of secrets) secret.fill(0);
  b.handleDatagrams(out, 'peer', 1);
  expect(b.pollEvent()).toMatchObject({ type: 'event' });
});

test('an idle session sends next to nothing', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  pair.run(2000);
  const before = pair.host.stats.packetsSent + pair.client.stats.packetsSent;
  pair.run(62_000);
  expect(pair.host.stats.packetsSent + pair.client.stats.packetsSent - before).toBeLessThan(120);
});

test('the peer is told of the end once, also when all that says so comes in one group', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  pair.run(500);
  pair.host.close(3);
  const goodbyes = pair.host.pollTransmit(pair.now)!;
  expect(goodbyes.count).toBe(2);
  pair.client.handleDatagrams(goodbyes, '192.0.2.1:4433', pair.clientNow);
  expect(pair.client.pollEvent()).toMatchObject({ type: 'closed', peerCode: 3 });
  expect(pair.client.pollEvent()).toBeUndefined();
});

test('the peer is told of the end', () => {
  const pair = new Pair({ link: { delayMs: 20 } });
  pair.schedule(100, () => pair.client.close(7));
  pair.run(1000);
  expect(pair.hostEvents).toEqual([{ type: 'closed', code: 'SESSION_PEER_CLOSED', peerCode: 7 }]);
  expect(pair.clientEvents).toEqual([{ type: 'closed', code: 'SESSION_CLOSED' }]);
  pair.client.close();
  expect(pair.client.pollEvent()).toBeUndefined();
  for (const call of [
    () => pair.client.sealFrame(bytes('x'), {}, pair.clientNow),
    () => pair.client.sendEvent(bytes('x'), pair.clientNow),
    () => pair.client.sendDatagram(bytes('x'), pair.clientNow),
  ]) {
    expect(call).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
  }
});

describe('limits', () => {
  test('what is too large is refused with the limit in the message', () => {
    const pair = new Pair({ link: { delayMs: 20 }, host: { maxFrameBytes: 1000 } });
    expect(() => pair.host.sealFrame(new Uint8Array(1001), {}, 0)).toThrow('at most 1000 bytes');
    expect(() => pair.host.sendEvent(new Uint8Array(1025), 0)).toThrow('at most 1024 bytes');
    expect(() => pair.host.sendDatagram(new Uint8Array(1169), 0)).toThrow('at most 1168 bytes');
    expect(() => pair.host.sealFrame(new Uint8Array(1), { pts: -1 }, 0)).toThrow('pts');
    expect(() => pair.host.sealFrame(new Uint8Array(1), { flags: 256 }, 0)).toThrow('flags');
    expect(() => pair.host.sealFrame(new Uint8Array(1), { deadlineMs: 0 }, 0)).toThrow('deadlineMs');
  });

  test('frames and events beyond what is held are refused, until there is room', () => {
    const pair = new Pair({ link: { delayMs: 20 }, host: { maxSendBytes: 2 ** 20 } });
    const frame = new Uint8Array(200_000);
    expect(() => {
      for (let i = 0; i < 10; i++) pair.host.sealFrame(frame, {}, 0);
    }).toThrow(expect.objectContaining({ code: 'SESSION_BUSY' }));
    expect(() => {
      for (let i = 0; i < 2000; i++) pair.host.sendEvent(bytes('x'), 0);
    }).toThrow(expect.objectContaining({ code: 'SESSION_BUSY' }));
    pair.run(5000);
    pair.host.sealFrame(frame, {}, pair.now);
    pair.host.sendEvent(bytes('x'), pair.now);
  });

  test('a receiver whose frames are not released gives up frames, and goes on once they are', () => {
    const pair = new Pair({ link: { delayMs: 5 }, client: { maxReceiveBytes: 2 ** 20 } });
    for (let i = 0; i < 40; i++) {
      pair.schedule(i * 20, () => pair.host.sealFrame(new Uint8Array(100_000), { deadlineMs: 200 }, pair.now));
    }
    pair.run(2000);
    const frames = pair.clientEvents.filter((event) => event.type === 'frame');
    expect(frames.length).toBeLessThan(11);
    for (const frame of frames) frame.release();
    for (const frame of frames) frame.release();
    pair.host.sealFrame(new Uint8Array(100_000), { deadlineMs: 200 }, pair.now);
    pair.run(2500);
    expect(pair.clientEvents.filter((event) => event.type === 'frame').length).toBe(frames.length + 1);
  });

  test('options are checked, and misspelt ones refused', () => {
    const keys = {
      cipher: 'aes-128-gcm',
      sendSecret: new Uint8Array(32),
      receiveSecret: new Uint8Array(32),
      localId: 1,
      peerId: 2,
    } as const;
    const environment = { crypto: createNodeCrypto(), fec: createFec(), random: (n: number) => new Uint8Array(n) };
    const make =
      (options: object, more: object = {}) =>
      () =>
        new SessionCore(environment, { ...keys, ...more }, options as SessionOptions, 'peer', 0);
    expect(make({})).not.toThrow();
    expect(make({ reportMs: 10 })).toThrow('reportMs is from 20 to 50');
    expect(make({ maxFrames: 1.5 })).toThrow('whole number');
    expect(make({ parityFloor: 0.5, parityCeiling: 0.2 })).toThrow('parityCeiling');
    expect(make({ reportms: 30 })).toThrow('there is no option reportms');
    expect(make({}, { localId: 256 })).toThrow('localId');
    expect(make({}, { sendSecret: new Uint8Array(16) })).toThrow('sendSecret has 32 bytes');
  });
});

test.each([1, 3, 20])('frames of which every packet is lost come although nothing follows: the last %i', (lost) => {
  for (const size of [500, 5000, 60_000]) {
    const pair = new Pair({ link: { delayMs: 10 } });
    const before = sendFrames(pair, { frames: 5, everyMs: 30, bytes: size, deadlineMs: 10_000 });
    pair.run(400);
    pair.toClient.options.loss = 1;
    const result = sendFrames(pair, { frames: lost, everyMs: 2, bytes: size, deadlineMs: 10_000 });
    pair.run(500);
    pair.toClient.options.loss = 0;
    pair.run(1500);
    expect([before.delivered, result.delivered, result.wrong]).toEqual([5, lost, 0]);
    // Nothing more is said once it is known that all of it arrived.
    const { packetsSent } = pair.host.stats;
    pair.run(3000);
    expect(pair.host.stats.packetsSent - packetsSent).toBeLessThan(5);
  }
});

test('a shard of the newest frame goes again until its deadline, ever more seldom', () => {
  const pair = new Pair({ link: { delayMs: 10 } });
  sendFrames(pair, { frames: 1, everyMs: 1, bytes: 500, deadlineMs: 10_000 });
  pair.run(300);
  pair.toClient.options.loss = 1;
  const result = sendFrames(pair, { frames: 1, everyMs: 1, bytes: 500, deadlineMs: 5000 });
  pair.run(12_000);
  expect(result.delivered).toBe(0);
  expect(pair.host.stats.shardsResent).toBeGreaterThan(3);
  expect(pair.host.stats.shardsResent).toBeLessThan(9);
});
