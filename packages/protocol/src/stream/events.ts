/** What one waiting event costs. */
export const EVENT_COST_BYTES = 160;

/** What an engine has to tell its caller. Several may tell of one packet; each thing is told once. */
export type StreamEngineEvent =
  /** Node: the client wants a stream or flow; answer with `dialed`. */
  | { type: 'open'; sid: number; host: string; port: number; kind: number }
  /** Client: the target was reached. */
  | { type: 'opened'; sid: number; address: string | undefined }
  /** Client: the dial failed, or was refused; the stream is gone. */
  | { type: 'failed'; sid: number; code: string }
  /** `read` gives bytes or the end. Comes again only after `read` found nothing. */
  | { type: 'readable'; sid: number }
  /** `write` takes bytes again, after it took fewer than it was given. */
  | { type: 'writable'; sid: number }
  /** The peer has everything that was written, and its end. */
  | { type: 'finished'; sid: number }
  /** `readDatagram` gives datagrams. */
  | { type: 'datagrams'; sid: number }
  /** Cut short, by the peer, the network or a broken rule; nothing more comes. The stream is gone. */
  | { type: 'reset'; sid: number; code: string }
  /** Both directions ended, everything was acknowledged and read. The stream is gone. */
  | { type: 'closed'; sid: number }
  /** Client: nobody waits for the answer of exchange `n` any more; the carrier may abort it. */
  | { type: 'abandoned'; path: string; n: number }
  /** Client: the node is a new instance or forgot this client; streams of which anything was sent were reset. */
  | { type: 'restarted' }
  /** Client: this path leads to another node than the others. It is left alone until it leads to the same. */
  | { type: 'differentNode'; path: string; code: string };

/** Events in the order they happened. */
export class EventQueue {
  #events: StreamEngineEvent[] = [];
  #head = 0;

  get count(): number {
    return this.#events.length - this.#head;
  }

  push(event: StreamEngineEvent): void {
    this.#events.push(event);
  }

  shift(): StreamEngineEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#events.length || this.#head > 1024) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
