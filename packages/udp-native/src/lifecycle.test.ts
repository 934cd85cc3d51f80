import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { describe, expect, test } from 'vitest';

import { addonPath, built, needsBuild } from '../test/addon.js';

/** What every program below begins with: the bare module, since a process that ends is what is looked at. */
const PRELUDE = `
  const native = require(process.argv.at(-1));
  native.setErrorClass(class extends Error { constructor(code, message) { super(message); this.code = code; } });
  const loopback = (port = 0) => Uint8Array.of(4, 0, port >> 8, port & 255, 127, 0, 0, 1, ...new Uint8Array(16));
  const open = () => native.openSocket(loopback(), 'gso', 1 << 20, 1500, true, () => {});
  const portOf = (socket) => { const out = new Uint8Array(24); native.localAddress(socket, out); return out[2] << 8 | out[3]; };
  const receive = (socket, onBatch, slab = new Uint8Array(1 << 18)) =>
    (native.receive(socket, slab, new Uint32Array(400), new Uint8Array(96), onBatch), slab);
  const send = (from, to) => native.send(from, new Uint8Array(100), Uint32Array.of(0, 100, 0, 0), 1, loopback(portOf(to)));
`;

async function run(
  program: string,
  ...flags: string[]
): Promise<{ code: number | null; out: string; signal: string | null }> {
  const child = spawn(process.execPath, [...flags, '-e', PRELUDE + program, addonPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, out: out.trim(), signal };
}

const ended = (out: string): unknown => ({ code: 0, out, signal: null });

describe.skipIf(!built)(`ends of processes and threads ${needsBuild}`, () => {
  test('what onBatch throws is an uncaught exception, after which packets still come', async () => {
    const result = await run(`
      const socket = open(), sender = open();
      let calls = 0;
      process.on('uncaughtException', (error) => { console.log(error.message); send(sender, socket); });
      receive(socket, () => {
        if (++calls < 3) throw new Error('thrown ' + calls);
        console.log('whole');
        native.closeSocket(socket);
      });
      send(sender, socket);
    `);
    expect(result).toEqual(ended('thrown 1\nthrown 2\nwhole'));
  });

  test('promises and ticks of onBatch run before the next batch', async () => {
    const result = await run(`
      const socket = open(), sender = open();
      let batches = 0;
      receive(socket, () => {
        const batch = ++batches;
        process.nextTick(() => console.log('tick', batch));
        Promise.resolve().then(() => console.log('promise', batch));
        if (batch === 2) native.closeSocket(socket);
      }, new Uint8Array(65536));
      send(sender, socket);
      send(sender, socket);
    `);
    expect(result).toEqual(ended('tick 1\npromise 1\ntick 2\npromise 2'));
  });

  test('a buffer that is transferred away ends the receiver with an error, and the socket takes another', async () => {
    const result = await run(`
      const socket = open(), sender = open();
      process.on('uncaughtException', (error) => {
        console.log(error.code);
        receive(socket, () => { console.log('again'); native.closeSocket(socket); });
      });
      const slab = receive(socket, () => console.log('never'));
      structuredClone(slab, { transfer: [slab.buffer] });
      send(sender, socket);
    `);
    expect(result).toEqual(ended('NATIVE_RANGE\nagain'));
  });

  test('a socket that neither receives nor waits does not keep the process, nor does one that is let go', async () => {
    expect(await run(`open(); console.log('idle')`)).toEqual(ended('idle'));
    expect(await run(`const s = open(); receive(s, () => {}); native.hold(s, false); console.log('free')`)).toEqual(
      ended('free'),
    );
  });

  test('sockets and keys that nobody holds are collected, also thousands of them', async () => {
    const result = await run(
      `
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 50; i++) native.closeSocket(open());
        for (let i = 0; i < 50; i++) native.createKey('aes-128-gcm', new Uint8Array(16), new Uint8Array(12));
        gc();
      }
      setImmediate(() => { gc(); setImmediate(() => console.log('collected')); });
    `,
      '--expose-gc',
    );
    expect(result).toEqual(ended('collected'));
  });

  test('an open socket is not collected', async () => {
    const result = await run(
      `
      const sender = open();
      let port;
      (() => { const socket = open(); port = portOf(socket); receive(socket, () => { console.log('alive'); native.closeSocket(socket); }); })();
      gc();
      setImmediate(() => {
        gc();
        native.send(sender, new Uint8Array(100), Uint32Array.of(0, 100, 0, 0), 1, loopback(port));
      });
    `,
      '--expose-gc',
    );
    expect(result).toEqual(ended('alive'));
  });

  test('the process may exit with sockets open, in a callback too', async () => {
    expect(await run(`receive(open(), () => {}); console.log('exit'); process.exit(0)`)).toEqual(ended('exit'));
    expect(
      await run(`
        const socket = open();
        receive(socket, () => { console.log('inside'); process.exit(0); });
        send(open(), socket);
      `),
    ).toEqual(ended('inside'));
  });

  test('workers load the addon beside each other, and end or are ended with sockets open', async () => {
    const result = await run(`
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(PRELUDE)} + \`
        const socket = open(), sender = open();
        const { parentPort, workerData } = require('node:worker_threads');
        receive(socket, () => {
          parentPort.postMessage('packet');
          if (workerData === 'ends') process.exit(0);
        });
        send(sender, socket);
      \`;
      const one = (workerData) => new Promise((resolve, reject) => {
        const worker = new Worker(source, { eval: true, argv: [process.argv.at(-1)], workerData });
        worker.on('message', () => workerData === 'ended' && worker.terminate());
        worker.on('error', reject);
        worker.on('exit', resolve);
      });
      (async () => {
        for (let round = 0; round < 3; round++) await Promise.all([one('ends'), one('ended'), one('ended')]);
        const socket = open();
        receive(socket, () => { console.log('still here'); native.closeSocket(socket); });
        send(open(), socket);
      })();
    `);
    expect(result).toEqual(ended('still here'));
  });
});
