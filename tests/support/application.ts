/** An application of the tests: a socket whose bytes are read in order and whose end is heard as what it is. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

export interface Application {
  readonly socket: Socket;
  /** The next bytes, exactly that many. Rejects when the connection is over before. */
  read(bytes: number): Promise<Buffer>;
  /** Whatever comes until the end. */
  rest(): Promise<Buffer>;
  /** How it ended: `end`, or the code of the error. */
  readonly over: Promise<string>;
}

export async function open(to: { host: string; port: number }): Promise<Application> {
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
  let held = Buffer.alloc(0);
  let ending: string | undefined;
  let wake = () => {};
  const over = new Promise<string>((resolve) => {
    const end = (how: string) => {
      ending ??= how;
      resolve(ending);
      wake();
    };
    // A reset that comes with the last bytes is an end to libuv. What was reset has no peer any more.
    socket.on('end', () => end(!socket.writableEnded && socket.remoteAddress === undefined ? 'ECONNRESET' : 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('close', () => end('closed here'));
  });
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    wake();
  });
  await once(socket, 'connect');
  const take = (bytes: number) => {
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
  return {
    socket,
    over,
    async read(bytes) {
      while (held.length < bytes) {
        if (ending !== undefined) throw new Error(`over (${ending}) after ${held.length} of ${bytes} bytes`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return take(bytes);
    },
    async rest() {
      await over;
      return take(held.length);
    },
  };
}
