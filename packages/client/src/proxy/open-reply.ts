import { TunnelError } from '../errors.js';
import type { TunnelStream } from '../tunnel/types.js';
import type { ProxyContext } from './context.js';
import type { Inlet } from './inlet.js';
import { PROXY_LIMITS } from './limits.js';
import { pump } from './pump.js';

/**
 * Ports where first bytes are not waited for: the server speaks first (FTP, SSH, SMTP and its submission port, POP3,
 * IMAP), or, on 80, connections are opened ahead of use and a client that has a request sends it at once.
 */
const NO_WAIT_PORTS = new Set([21, 22, 25, 80, 110, 143, 587]);

/** What an application hears of its connection, in the words of its protocol. */
export interface Answer {
  /** The connection works; bytes follow. */
  opened(): void;
  /** It does not; the socket is to be ended by this. */
  failed(error: TunnelError): void;
}

/**
 * Opens a stream for an application and carries its bytes until both sides have ended. Bytes that the application has
 * sent already travel with the connect.
 *
 * @returns when all is over; never rejects.
 */
export async function openAndPump(
  context: ProxyContext,
  inlet: Inlet,
  target: { host: string; port: number },
  answer: Answer,
): Promise<void> {
  const { tunnel, options } = context;
  const early = options.openReply === 'early';
  if (early) {
    answer.opened();
    if (!NO_WAIT_PORTS.has(target.port)) await inlet.waitForBytes(options.firstBytesMs);
  }
  let stream: TunnelStream;
  try {
    stream = await tunnel.connect({
      ...target,
      firstBytes: inlet.take(PROXY_LIMITS.maxFirstBytes),
      openReply: options.openReply,
      signal: inlet.gone,
    });
  } catch (error) {
    if (early) inlet.socket.resetAndDestroy();
    else answer.failed(asTunnelError(error));
    return;
  }
  if (!early) answer.opened();
  const close = (): void => stream.reset('ABORTED');
  context.closers.add(close);
  await pump(inlet, stream, options.halfClosedIdleMs);
  context.closers.delete(close);
}

/** Anything that was thrown, as an error with a code. */
export function asTunnelError(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  return new TunnelError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}
