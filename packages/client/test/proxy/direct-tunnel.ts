/** A tunnel that is none: it dials from this process. For tests whose targets are real servers. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import type { ErrorCode } from '@millrace/protocol';
import { EventHub } from '@millrace/protocol';
import { TunnelError } from '../../src/errors.js';
import type { ConnectOptions, Tunnel, TunnelStream } from '../../src/tunnel/types.js';

const CODES: Record<string, ErrorCode> = { ECONNREFUSED: 'DIAL_REFUSED', ECONNRESET: 'TARGET_RESET' };

export interface DirectTunnel extends Tunnel {
  /** Every connect, with the first bytes as text. */
  readonly opens: Array<{ target: string; firstBytes: string }>;
}

const unsupported = () => Promise.reject(new Error('not part of the direct tunnel'));

export function directTunnel(): DirectTunnel {
  const opens: DirectTunnel['opens'] = [];
  return {
    opens,
    events: new EventHub(),
    async connect(options) {
      const firstBytes = Buffer.concat([options.firstBytes ?? []].flat());
      opens.push({ target: `${options.host}:${options.port}`, firstBytes: firstBytes.toString('latin1') });
      const stream = dial(options, firstBytes);
      if (options.openReply !== 'early') await stream.opened;
      return stream;
    },
    udp: unsupported,
    probe: unsupported,
    timings: () => [],
    stats: () => {
      throw new Error('not part of the direct tunnel');
    },
    close: () => Promise.resolve(),
  };
}

function fail(error: NodeJS.ErrnoException): TunnelError {
  return new TunnelError(CODES[error.code ?? ''] ?? 'DIAL_FAILED', error.message);
}

function dial({ host, port, signal }: ConnectOptions, firstBytes: Buffer): TunnelStream {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(fail(error)));
  });
  opened.catch(() => {});
  signal?.addEventListener('abort', () => socket.destroy());
  if (firstBytes.length > 0) socket.write(firstBytes);
  // The streams of a Duplex say AbortError; the errors of a stream are TunnelErrors.
  const mapped = mapErrors(socket);
  const { readable, writable } = Duplex.toWeb(mapped) as { readable: ReadableStream; writable: WritableStream };
  return { readable, writable, opened, closed: new Promise(() => {}), reset: () => socket.resetAndDestroy() };
}

function mapErrors(socket: Socket): Duplex {
  const mapped = new Duplex({
    allowHalfOpen: true,
    read: () => socket.resume(),
    write: (chunk, encoding, written) => {
      socket.write(chunk, encoding, (error) => written(error ? fail(error) : null));
    },
    final: (ended) => {
      socket.end(() => ended());
    },
  });
  socket.on('data', (chunk) => {
    if (!mapped.push(chunk)) socket.pause();
  });
  socket.on('end', () => mapped.push(null));
  socket.on('error', (error) => mapped.destroy(fail(error)));
  socket.on('close', () => mapped.destroy());
  return mapped;
}
