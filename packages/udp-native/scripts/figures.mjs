// Prints what the addon costs on this machine, each beside what it replaces, measured in the same run: the median of
// its rounds. Ratios are what counts; no test asserts them.
//
//   npm run figures -w @millrace/udp-native
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { loadNative, writeAddress } from '../dist/index.js';

const PACKET = 1200;
const ROUNDS = 15;
const addon = loadNative();
if (addon === undefined) {
  process.stderr.write('no addon: npm run build:native -w @millrace/udp-native\n');
  process.exit(1);
}

const cpuNs = (from) => {
  const { user, system } = process.cpuUsage(from);
  return 1000 * (user + system);
};
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * The CPU ns that each work takes per item: the median of the rounds, in which the works take turns. A work returns how many
 * items it did, or says itself what they cost.
 */
async function measure(works) {
  const costs = works.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, [, work]] of works.entries()) {
      const start = process.cpuUsage();
      const result = await work();
      const cost = typeof result === 'number' ? cpuNs(start) / result : result.ns / result.items;
      // The first round warms up.
      if (round > 0) costs[index].push(cost);
    }
  }
  return works.map(([name], index) => [name, median(costs[index])]);
}

function table(title, baseline, rows) {
  process.stdout.write(`\n${title}\n`);
  const base = rows.find(([name]) => name === baseline)?.[1];
  for (const [name, ns, note = ''] of rows) {
    const ratio = base === undefined ? '' : `  1/${(base / ns).toFixed(1)} of ${baseline}`;
    process.stdout.write(`  ${name.padEnd(20)} ${ns.toFixed(0).padStart(7)} ns${ratio}  ${note}\n`);
  }
}

/** Both do the same job: packets of a slab are sealed and opened in place, with nonces from their numbers. */
async function sealing(algorithm, keyBytes) {
  const { aead } = addon;
  const packets = 64;
  const stride = 2048;
  const clear = 5;
  const end = clear + PACKET;
  const secret = randomBytes(keyBytes);
  const iv = randomBytes(12);
  const options = { authTagLength: 16 };
  const keyObject = createSecretKey(secret);
  const nonce = Buffer.from(iv);
  const low = iv.readUInt32BE(8);
  const plainSlab = randomBytes(packets * stride);
  const sealWithNode = () => {
    for (let i = 0; i < packets; i++) {
      const packet = plainSlab.subarray(i * stride, i * stride + end + 16);
      nonce.writeUInt32BE((low ^ i) >>> 0, 8);
      const cipher = createCipheriv(algorithm, keyObject, nonce, options);
      cipher.setAAD(packet.subarray(0, clear), { plaintextLength: PACKET });
      packet.set(cipher.update(packet.subarray(clear, end)), clear);
      cipher.final();
      packet.set(cipher.getAuthTag(), end);
    }
  };
  const openWithNode = () => {
    for (let i = 0; i < packets; i++) {
      const packet = plainSlab.subarray(i * stride, i * stride + end + 16);
      nonce.writeUInt32BE((low ^ i) >>> 0, 8);
      const decipher = createDecipheriv(algorithm, keyObject, nonce, options);
      decipher.setAAD(packet.subarray(0, clear), { plaintextLength: PACKET });
      decipher.setAuthTag(packet.subarray(end));
      packet.set(decipher.update(packet.subarray(clear, end)), clear);
      decipher.final();
    }
  };
  const key = aead.createKey(algorithm, secret, iv);
  const slab = randomBytes(packets * stride);
  const rows = new Uint32Array(packets * 5);
  const verdicts = new Uint8Array(packets);
  for (let i = 0; i < packets; i++) rows.set([i * stride, clear, end + 16, 0, 0], 5 * i);
  let number = 0;
  const seal = () => {
    for (let i = 0; i < packets; i++) rows[5 * i + 3] = number++;
    aead.seal(key, slab, rows, packets);
  };
  const open = () => {
    if (aead.open(key, slab, rows, packets, verdicts) !== packets) throw new Error('not opened');
  };
  /** What `work` costs per packet, where `before` makes something to work on. */
  const repeat = (groups, work, before) => () => {
    let ns = 0;
    for (let i = 0; i < groups; i++) {
      before?.();
      const start = process.cpuUsage();
      work();
      ns += cpuNs(start);
    }
    return { items: groups * packets, ns };
  };
  const costs = await measure([
    ['node:crypto seal', repeat(150, sealWithNode)],
    ['native seal', repeat(1000, seal)],
    ['node:crypto open', repeat(150, openWithNode, sealWithNode)],
    ['native open', repeat(1000, open, seal)],
  ]);
  table(`${algorithm}, per packet of ${PACKET} bytes`, 'node:crypto seal', costs.slice(0, 2));
  table(`${algorithm}, per packet of ${PACKET} bytes`, 'node:crypto open', costs.slice(2));
}

async function correcting() {
  const data = 20;
  const parity = 5;
  const slab = randomBytes((data + parity) * PACKET);
  const offsets = Uint32Array.from({ length: data + parity }, (_, i) => i * PACKET);
  const outputs = offsets.subarray(data);
  // What the bytes of a matrix are makes no difference to the time.
  const matrix = randomBytes(data * parity);
  const square = randomBytes(data * parity);
  const left = new Uint8Array(data * parity);
  const encode = (times, kernel) => () => {
    for (let i = 0; i < times; i++) {
      addon.fec.combine(slab, PACKET, offsets, data, outputs, parity, matrix, data, kernel);
    }
    return times * data;
  };
  const rebuild = () => {
    for (let i = 0; i < 5000; i++) {
      left.set(square);
      addon.fec.solve(left, matrix, parity, data, data);
      addon.fec.combine(slab, PACKET, offsets, data, outputs, parity, matrix, data);
    }
    return 5000 * data;
  };
  const { kernels } = addon.fec;
  const costs = await measure([
    ...kernels.map((name, index) => [`encode ${name}`, encode(name === 'scalar' ? 50 : 5000, index)]),
    [`rebuild ${kernels[0]}`, rebuild],
  ]);
  const rows = costs.map(([name, ns]) => [name, ns, `${(PACKET / ns).toFixed(2)} GB/s of data`]);
  table(`RS(${data},${parity}) with ${parity} losses, per data shard of ${PACKET} bytes`, 'encode scalar', rows);
}

/** Packets that fit into the receive buffer of a socket that nobody reads. */
const BURST = 1024;

function burst(port) {
  const slab = randomBytes(BURST * PACKET);
  const rows = new Uint32Array(BURST * 4);
  for (let i = 0; i < BURST; i++) rows.set([i * PACKET, PACKET, 0, 0], 4 * i);
  const addresses = new Uint8Array(24);
  writeAddress(addresses, 0, '127.0.0.1', port);
  return { slab, rows, addresses };
}

function sendAll(socket, { slab, rows, addresses }) {
  if (socket.send(slab, rows, BURST, addresses) !== BURST) throw new Error('the system took too few packets');
}

const callsPer1000 = (calls, packets) => `${((1000 * calls) / packets).toFixed(1)} calls per 1,000 packets`;

async function sending() {
  const sink = addon.openSocket({ address: '127.0.0.1' });
  const sinkSlab = new Uint8Array(16 * sink.slotBytes);
  const packets = burst(sink.address.port);
  const plain = createSocket('udp4');
  plain.bind(0, '127.0.0.1');
  await once(plain, 'listening');
  const views = Array.from({ length: BURST }, (_, i) => packets.slab.subarray(i * PACKET, (i + 1) * PACKET));
  const sendPlain = async () => {
    const { promise, resolve } = deferred();
    let left = BURST;
    const done = () => {
      if (--left === 0) resolve();
    };
    for (const view of views) plain.send(view, sink.address.port, '127.0.0.1', done);
    await promise;
  };
  /** Measures sending into a buffer that has room, then empties it unmeasured. */
  const into = (send) => async () => {
    const start = process.cpuUsage();
    await send();
    const ns = cpuNs(start);
    const { promise, resolve } = deferred();
    let got = 0;
    sink.receive(sinkSlab, new Uint32Array(1024 * 4), new Uint8Array(16 * 24), (count) => {
      got += count;
      if (got === BURST) resolve();
    });
    await promise;
    sink.pause();
    return { items: BURST, ns };
  };
  const sockets = ['mmsg', 'gso'].map((tier) => [tier, addon.openSocket({ address: '127.0.0.1', tier })]);
  const costs = await measure([
    ['dgram', into(sendPlain)],
    ...sockets.map(([tier, socket]) => [tier, into(() => sendAll(socket, packets))]),
  ]);
  const notes = sockets.map(([, socket]) => callsPer1000(socket.stats().sendCalls, socket.stats().packetsSent));
  notes.unshift(callsPer1000(1, 1));
  table(
    `send, per packet of ${PACKET} bytes`,
    'dgram',
    costs.map(([name, ns], i) => [name, ns, notes[i]]),
  );
  plain.close();
  for (const socket of [sink, ...sockets.map(([, one]) => one)]) socket.close();
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function receiving() {
  const sender = addon.openSocket({ address: '127.0.0.1' });
  const plain = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 });
  plain.bind(0, '127.0.0.1');
  await once(plain, 'listening');
  let onPacket = () => {};
  plain.on('message', () => onPacket(1));
  /** Fills the buffer while nobody reads, then measures taking it all out: the loop does not turn in between. */
  const drain = (port, listen) => {
    const packets = burst(port);
    return async () => {
      const { promise, resolve } = deferred();
      let got = 0;
      listen((count) => {
        got += count;
        if (got === BURST) resolve();
      });
      sendAll(sender, packets);
      const start = process.cpuUsage();
      await promise;
      return { items: BURST, ns: cpuNs(start) };
    };
  };
  const sockets = ['mmsg', 'gso'].map((tier) => [tier, addon.openSocket({ address: '127.0.0.1', tier })]);
  const costs = await measure([
    ['dgram', drain(plain.address().port, (listener) => (onPacket = listener))],
    ...sockets.map(([tier, socket]) => {
      const slots = tier === 'gso' ? 16 : 64;
      const slab = new Uint8Array(slots * socket.slotBytes);
      const rows = new Uint32Array(1024 * 4);
      const addresses = new Uint8Array(slots * 24);
      return [tier, drain(socket.address.port, (listener) => socket.receive(slab, rows, addresses, listener))];
    }),
  ]);
  const notes = sockets.map(([, socket]) => callsPer1000(socket.stats().receiveCalls, socket.stats().packetsReceived));
  notes.unshift(callsPer1000(1, 1));
  table(
    `receive, per packet of ${PACKET} bytes`,
    'dgram',
    costs.map(([name, ns], i) => [name, ns, notes[i]]),
  );
  plain.close();
  for (const socket of [sender, ...sockets.map(([, one]) => one)]) socket.close();
}

process.stdout.write(`${addon.path}\nNode ${process.version}, OpenSSL ${process.versions.openssl}\n`);
if (addon.aead !== undefined) {
  await sealing('aes-128-gcm', 16);
  await sealing('chacha20-poly1305', 32);
}
await correcting();
await sending();
await receiving();
