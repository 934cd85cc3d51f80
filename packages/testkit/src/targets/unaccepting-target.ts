import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { formatAddress } from './address.js';
import type { UnacceptingTarget } from './types.js';

/** With a backlog of 1 Linux queues two connections that nobody accepts, and drops every SYN after that. */
const QUEUED_CONNECTIONS = 2;

/** Listens, then blocks its event loop so that nothing is ever accepted, until the main thread wakes it. */
const LISTEN_AND_BLOCK = `
const { workerData, parentPort } = require('node:worker_threads');
const server = require('node:net').createServer((socket) => socket.destroy());
server.listen({ port: 0, host: workerData.host, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData.wake), 0, 0);
  server.close();
});
`;

/** Starts a listener whose backlog is full, so that connecting to it neither fails nor succeeds. */
export async function startUnacceptingTarget(host: string): Promise<UnacceptingTarget> {
  const wake = new SharedArrayBuffer(4);
  const worker = new Worker(LISTEN_AND_BLOCK, { eval: true, workerData: { host, wake } });
  const [port] = (await once(worker, 'message')) as [number];
  const queued: Socket[] = [];
  for (let i = 0; i < QUEUED_CONNECTIONS; i += 1) {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    socket.on('error', () => {});
    queued.push(socket);
  }
  let closing: Promise<void> | undefined;
  return {
    host,
    port,
    address: formatAddress(host, port),
    close() {
      closing ??= (async () => {
        const exited = once(worker, 'exit');
        for (const socket of queued) socket.destroy();
        Atomics.store(new Int32Array(wake), 0, 1);
        Atomics.notify(new Int32Array(wake), 0);
        await exited;
      })();
      return closing;
    },
  };
}
