// Measures the parts of the session that are pure computation, for whoever tunes them: `npm run figures -w @millrace/udp-session`
// after a build. Rates are of data bytes; nothing is asserted.
import { performance } from 'node:perf_hooks';

import { SessionCore } from '../dist/core/index.js';
import { createScalarFec, createWasmFec } from '../dist/fec/index.js';
import { createNodeCrypto } from '../dist/node/crypto.js';
import { chooseCrypto, chooseFec, loadAddon } from '../dist/node/native.js';

const DATA = 20;
const PARITY = 5;
const SHARD_BYTES = 1200;
const RUN_MS = 500;

function rate(name, run) {
  for (let i = 0; i < 50; i++) run();
  const begun = performance.now();
  let rounds = 0;
  while (performance.now() - begun < RUN_MS) {
    for (let i = 0; i < 20; i++) run();
    rounds += 20;
  }
  const seconds = (performance.now() - begun) / 1000;
  console.log(`${name.padEnd(32)} ${((rounds * DATA * SHARD_BYTES) / seconds / 1e9).toFixed(2)} GB/s`);
}

const offsets = Uint32Array.from({ length: DATA + PARITY }, (_, i) => i * SHARD_BYTES);
const present = Uint8Array.from({ length: DATA + PARITY }, (_, i) => (i < DATA && i % 4 === 0 ? 0 : 1));
const bytes = (DATA + PARITY) * SHARD_BYTES;
const wasm = createWasmFec({ roomBytes: bytes });
for (const { name, fec, slab } of [
  { name: 'scalar', fec: createScalarFec(), slab: new Uint8Array(bytes) },
  { name: 'wasm, copied', fec: createWasmFec(), slab: new Uint8Array(bytes) },
  { name: 'wasm, in place', fec: wasm, slab: wasm.room },
]) {
  for (let i = 0; i < bytes; i++) slab[i] = i * 7 + (i >> 8);
  rate(`RS(20,5) encode ${name}`, () => fec.encode(slab, DATA, PARITY, SHARD_BYTES, offsets));
  rate(`RS(20,5) decode 5 ${name}`, () => fec.decode(slab, DATA, PARITY, SHARD_BYTES, offsets, present));
}

/**
 * Both ends of a session in one process, without sockets: frames of 20 + 5 shards, sealed, opened, every frame compared. Prints
 * the CPU and the JavaScript heap of each end per packet.
 */
function pipeline(name, environment) {
  const secrets = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const keys = { cipher: 'aes-128-gcm', localId: 1, peerId: 1 };
  const options = { paced: false, parityFloor: 0.25, parityCeiling: 0.25, maxPacketBytes: 1242, retransmit: false };
  const host = new SessionCore(
    environment,
    { ...keys, sendSecret: secrets[0], receiveSecret: secrets[1] },
    options,
    'b',
    0,
  );
  const client = new SessionCore(
    environment,
    { ...keys, sendSecret: secrets[1], receiveSecret: secrets[0] },
    options,
    'a',
    0,
  );
  const frame = new Uint8Array(DATA * SHARD_BYTES - 9);
  for (let i = 0; i < frame.length; i++) frame[i] = i * 7 + (i >> 8);
  let now = 0;
  let frames = 0;
  const spent = { send: 0, receive: 0 };
  const heap = { send: 0, receive: 0 };
  const measured = (side, work) => {
    const before = process.memoryUsage().heapUsed;
    const begun = performance.now();
    work();
    spent[side] += performance.now() - begun;
    const grown = process.memoryUsage().heapUsed - before;
    if (grown > 0) heap[side] += grown;
  };
  const carry = (from, to, sides) => {
    for (;;) {
      let out;
      measured(sides[0], () => (out = from.pollTransmit(now)));
      if (out === undefined) return;
      measured(sides[1], () => to.handleDatagrams(out, sides[0] === 'send' ? 'a' : 'b', now));
    }
  };
  const turn = () => {
    now += 0.5;
    measured('send', () => {
      host.handleTimeout(now);
      for (let i = 0; i < 8; i++) host.sealFrame(frame, { deadlineMs: 100 }, now);
    });
    carry(host, client, ['send', 'receive']);
    measured('receive', () => client.handleTimeout(now));
    for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) {
      if (event.type !== 'frame') continue;
      if (Buffer.compare(event.data, frame) !== 0) throw new Error('a wrong byte');
      frames++;
      event.release();
    }
    carry(client, host, ['receive', 'send']);
  };
  for (let i = 0; i < 500; i++) turn();
  Object.assign(spent, { send: 0, receive: 0 });
  Object.assign(heap, { send: 0, receive: 0 });
  frames = 0;
  const packets = host.stats.packetsSent;
  for (let i = 0; i < 1500; i++) turn();
  const count = host.stats.packetsSent - packets;
  const each = (value, digits) => (value / count).toFixed(digits);
  const gbits = (frames * frame.length * 8) / (Math.max(spent.send, spent.receive) * 1e6);
  console.log(
    `${name.padEnd(12)} send ${each(spent.send * 1e3, 2)} µs, receive ${each(spent.receive * 1e3, 2)} µs a packet; ` +
      `heap ${each(heap.send, 0)} and ${each(heap.receive, 0)} bytes a packet; ${gbits.toFixed(2)} Gbit/s if each has a core`,
  );
}

const addon = await loadAddon();
const random = (length) => new Uint8Array(length);
pipeline('fallback', { crypto: createNodeCrypto(), fec: createWasmFec(), random });
if (addon !== undefined) pipeline('native', { crypto: chooseCrypto(addon), fec: chooseFec(addon), random });
