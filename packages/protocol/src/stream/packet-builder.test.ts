import { expect, test } from 'vitest';

import { decodePacket, encodePacket } from '../codec/level2/index.js';
import { LEVEL2_FIELDS } from '../gen/level2-fields.js';
import type { PacketValue } from './packet.js';
import { Pair } from './sim/pair.js';
import { patternAt } from './sim/pattern.js';

const EPOCH_ON_WIRE = LEVEL2_FIELDS.Packet.find(({ name }) => name === 'epoch')?.exactBytes;

/** Through the codec. An epoch is cut to what the schema takes; its size is added again. */
function encoded(packet: PacketValue): { size: number; decoded: PacketValue } {
  const epoch = packet.epoch?.slice(0, EPOCH_ON_WIRE);
  const bytes = encodePacket(epoch === undefined ? packet : { ...packet, epoch });
  const decoded = decodePacket(bytes);
  const cut = (packet.epoch?.length ?? 0) - (epoch?.length ?? 0);
  return {
    size: bytes.length + cut,
    decoded: packet.epoch === undefined ? decoded : { ...decoded, epoch: packet.epoch },
  };
}

test('no packet is larger than its path takes, and what the codec makes of it is the same', () => {
  const pair = new Pair({
    paths: {
      udp: { paired: false, delayMs: 20, maxRequestBytes: 1200 },
      relay: { paired: true, delayMs: 30, maxRequestBytes: 2000, maxResponseBytes: 3000 },
    },
  });
  let count = 0;
  pair.fate = ({ packet }) => (packet.segments && ++count % 7 === 0 ? 'lose' : 'deliver');
  pair.onOpen = (sid) => pair.node.dialed(sid, { code: '', address: '2001:db8::1' }, pair.now);
  const flow = pair.open(1);
  const sids = Array.from({ length: 40 }, (_, index) =>
    pair.client.open({ host: 'ü'.repeat(index * 3), port: 65_535, kind: 0 }, 0)!,
  );
  for (const sid of sids) pair.client.write(sid, patternAt(sid, 0, sid * 101), 0);
  for (const sid of sids.slice(30)) pair.client.reset(sid, 'ABORTED', 0);
  pair.onNodeEvent = (event) => {
    if (event.type === 'readable') pair.drain('node', event.sid);
    if (event.type === 'datagrams')
      while (pair.node.readDatagram(event.sid))
        pair.node.sendDatagram(event.sid, { d: patternAt(1, 0, 900) }, pair.now);
  };
  for (let n = 0; n < 30; n++) {
    pair.client.sendDatagram(flow, { d: patternAt(1, n, n * 30), host: 'host.example', port: 53 }, pair.now);
    pair.run(30);
  }
  pair.client.removePath('udp', pair.now);
  for (const sid of sids.slice(0, 20)) {
    pair.client.write(sid, patternAt(sid, 0, 9000), pair.now);
    pair.client.finish(sid, pair.now);
  }
  pair.run(60_000);
  expect(pair.log.length).toBeGreaterThan(100);
  for (const { direction, path, packet } of pair.log) {
    const { size, decoded } = encoded(packet);
    expect(decoded).toEqual(packet);
    expect(size).toBeLessThanOrEqual(path === 'udp' ? 1200 : direction === 'up' ? 2000 : 3000);
  }
});

test('a datagram that fits into no packet of its path is dropped, and holds up nothing', () => {
  const pair = new Pair({ paths: { udp: { paired: false, delayMs: 20, maxRequestBytes: 1200 } } });
  const flow = pair.open(1);
  pair.run(200);
  pair.client.sendDatagram(flow, { d: new Uint8Array(3000) }, pair.now);
  pair.client.sendDatagram(flow, { d: Uint8Array.of(7) }, pair.now);
  pair.run(200);
  expect(pair.node.readDatagram(flow)?.d).toEqual(Uint8Array.of(7));
  expect(pair.node.readDatagram(flow)).toBeUndefined();
});

test('a stream that is unknown is told so, once, and only where something was wanted', () => {
  const pair = new Pair();
  const sid = pair.open();
  pair.run(1000);
  const request = (n: number, segments: PacketValue['segments']) =>
    pair.arrive({
      at: pair.now,
      direction: 'up',
      path: 'relay',
      packet: { n, cid: pair.up[0]!.packet.cid, hold: 0, max: 9000, segments: segments! },
    });
  request(100, [
    { sid: 77, off: 3, d: Uint8Array.of(1) },
    { sid: 78, ack: 5 },
    { sid: 79, rst: 'ABORTED' },
  ]);
  expect(pair.down.at(-1)?.packet.segments).toEqual([{ sid: 77, rst: 'UNKNOWN_SID' }]);
  expect(pair.client.inspect().map((stream) => stream.sid)).toEqual([sid]);
});

test('a segment that breaks a rule resets its own stream and no other', () => {
  const pair = new Pair();
  const [bad, good] = [pair.open(), pair.open()];
  pair.run(1000);
  const cid = pair.up[0]!.packet.cid;
  for (const [index, segment] of [{ sid: bad, ack: 500 }].entries()) {
    pair.arrive({
      at: pair.now,
      direction: 'up',
      path: 'relay',
      packet: { n: 100 + index, cid, hold: 0, max: 9000, segments: [segment] },
    });
  }
  pair.run(1000);
  expect(pair.nodeEvents).toContainEqual({ type: 'reset', sid: bad, code: 'STREAM_INVALID' });
  expect(pair.clientEvents).toContainEqual({ type: 'reset', sid: bad, code: 'STREAM_INVALID' });
  expect(pair.node.inspect().map((stream) => stream.sid)).toEqual([good]);
});
