import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { patternBytes } from '@millrace/testkit';
import { REQUEST_BYTES, TOKEN_BYTES } from '../src/check/request.js';

/** What a tunnel does wrong. All but the last three change bytes at {@link LIE_AT}, in the direction that carries the payload. */
export type Lie =
  | 'reverses'
  | 'drops'
  | 'repeats'
  | 'shifts'
  | 'reorders'
  | 'cuts'
  | 'ends early'
  | 'acknowledges early'
  | 'replays an acknowledgement'
  | 'forges';

/** Position of the payload from which bytes are wrong. */
export const LIE_AT = 300_000;
const LIE_BYTES = 1000;

/** A tunnel, as far as applications can tell, to the target at `port`. `count` is told of all bytes that it carries down. */
export async function startLyingTunnel(
  port: number,
  lie?: Lie,
  count?: (bytes: number) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  let lastToken: Buffer = Buffer.alloc(TOKEN_BYTES);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      // A forger keeps its own side up, so that the source sees nothing odd.
      if (lie !== 'forges') {
        socket.once('close', () => {
          // One that is done in both directions may be so before the other has written what it got from it.
          if (socket.readableEnded && socket.writableFinished) return;
          near.destroy();
          far.destroy();
        });
      }
    }
    if (lie === 'forges') forge(near, far);
    else if (lie === 'acknowledges early' || lie === 'replays an acknowledgement') acknowledge(near, far, lie);
    else {
      carry(near, far, lie, REQUEST_BYTES);
      carry(far, near, lie, 0);
      if (count) far.on('data', (chunk: Buffer) => count(chunk.length));
    }
  });

  /** Answers an upload by itself: at once with bytes of its own, or with what the target said last time. */
  function acknowledge(near: Socket, far: Socket, how: Lie): void {
    carry(near, far, undefined, 0);
    far.on('data', (token: Buffer) => {
      const earlier = lastToken;
      lastToken = token;
      if (how === 'replays an acknowledgement') near.end(earlier);
    });
    if (how === 'acknowledges early') near.once('data', () => near.end(Buffer.alloc(TOKEN_BYTES, 1)));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Knows the pattern and answers a download before the source has sent anything. */
function forge(near: Socket, far: Socket): void {
  near.once('data', (request: Buffer) => {
    const seed = request.readUInt32BE(12);
    const bytes = Number(request.readBigUInt64BE(16));
    far.resume();
    near.end(patternBytes(bytes, seed), () => far.write(request));
    far.once('end', () => far.end());
  });
}

/** Carries one direction; `before` bytes precede the payload. */
function carry(from: Socket, to: Socket, lie: Lie | undefined, before: number): void {
  let seen = -before;
  let held: Buffer | undefined;
  let done = lie === undefined;
  from.on('data', (chunk: Buffer) => {
    const at = LIE_AT - seen;
    seen += chunk.length;
    if (held) {
      to.write(chunk);
      to.write(held);
      held = undefined;
      return;
    }
    if (done || at < 0 || at + LIE_BYTES > chunk.length) {
      // The lie waits for a chunk that it fits into; so it may come a little later than planned.
      if (done || seen < LIE_AT + LIE_BYTES || chunk.length < LIE_BYTES) {
        to.write(chunk);
        return;
      }
    }
    done = true;
    const start = Math.max(0, Math.min(at, chunk.length - LIE_BYTES));
    const [head, middle, tail] = [
      chunk.subarray(0, start),
      chunk.subarray(start, start + LIE_BYTES),
      chunk.subarray(start + LIE_BYTES),
    ];
    to.write(head);
    if (lie === 'reverses') to.write(Buffer.from(middle).reverse());
    if (lie === 'repeats') to.write(Buffer.concat([middle, middle]));
    if (lie === 'shifts') to.write(Buffer.concat([Buffer.from([0x55]), middle]));
    if (lie === 'reorders') held = middle;
    if (lie === 'cuts') to.resetAndDestroy();
    if (lie === 'ends early') {
      to.end();
      from.removeAllListeners('data').resume();
      return;
    }
    to.write(tail);
  });
  from.once('end', () => {
    if (held) to.write(held);
    to.end();
  });
}
