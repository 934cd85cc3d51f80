import type { Socket } from 'node:net';

/** How often an application that has ended its side is asked whether it is still there. */
const PROBE_MS = 10_000;

const NO_BYTES = Buffer.alloc(0);

/**
 * Watches over an application that has ended its side while the target has not: it may still listen, or may have left
 * for good, and both look the same until something is said to it.
 *
 * Probes of the system (keep-alive) are answered by a reset once the application's system has forgotten the socket, on Linux a
 * minute after it was closed. Node does not read any more and hears of a reset only when it writes: so nothing is written,
 * in an empty write, which fails then as any other would.
 */
export class HalfClosedWatch {
  readonly #socket: Socket;
  readonly #maxSilenceMs: number;
  readonly #silent: () => void;
  #silence: NodeJS.Timeout | undefined;
  #probes: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param silent called when the target has said nothing for `maxSilenceMs`. */
  constructor(socket: Socket, maxSilenceMs: number, silent: () => void) {
    this.#socket = socket;
    this.#maxSilenceMs = maxSilenceMs;
    this.#silent = silent;
  }

  /** The application has ended its side. */
  start(): void {
    if (this.#stopped) return;
    this.#socket.setKeepAlive(true, PROBE_MS);
    this.#silence = setTimeout(this.#silent, this.#maxSilenceMs);
    this.#probes = setInterval(() => this.#probe(), PROBE_MS);
  }

  /** The target has said something. */
  heard(): void {
    this.#silence?.refresh();
  }

  /** The target has ended its side, or all is over. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#silence);
    clearInterval(this.#probes);
  }

  #probe(): void {
    if (this.#socket.writable && this.#socket.writableLength === 0) this.#socket.write(NO_BYTES);
  }
}
