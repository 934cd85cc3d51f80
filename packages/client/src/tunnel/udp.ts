/** A UDP association: one flow per target, and one queue for what comes back. */
import { formatHostPort, LIMITS } from '@millrace/protocol';
import { TunnelError } from '../errors.js';
import { CLIENT_LIMITS } from '../limits.js';
import { Deferred } from './deferred.js';
import type { Flow, FlowRequest, SharedFlow, SharedFlowRequest } from './level.js';
import type { Datagram, TunnelUdp } from './types.js';

/** What an association needs of its tunnel. */
export interface AssociationHost {
  /** Whether flows are opened for all targets, or one for each. */
  readonly sharesFlows: () => boolean;
  /** Opens a flow; throws `TunnelError` when the tunnel cannot. */
  readonly openFlow: (request: Omit<FlowRequest, 'record'>) => { flow: Flow; id: number };
  /** The same for all targets. */
  readonly openSharedFlow: (request: Omit<SharedFlowRequest, 'record'>) => { flow: SharedFlow; id: number };
  readonly onDropped: (id: number, count: number) => void;
  readonly onOver: (association: Association) => void;
}

export class Association implements TunnelUdp {
  readonly readable: ReadableStream<Datagram>;
  readonly #host: AssociationHost;
  /** By target. */
  readonly #flows = new Map<string, { flow: Flow; id: number }>();
  /** For all other targets. */
  #shared: { flow: SharedFlow; id: number } | undefined;
  readonly #closed = new Deferred<void>();
  readonly #received: Datagram[] = [];
  #receivedBytes = 0;
  #controller!: ReadableStreamDefaultController<Datagram>;
  #wanted: Deferred<void> | undefined;
  #over = false;
  #dropped = 0;

  constructor(host: AssociationHost) {
    this.#host = host;
    this.readable = new ReadableStream<Datagram>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes that wait for the application. */
  get heldBytes(): number {
    return this.#receivedBytes;
  }

  send({ host, port, data }: Datagram): void {
    if (this.#over) return;
    checkTarget(host, port);
    if (data.byteLength > LIMITS.maxDatagramBytes) {
      throw new TunnelError('CONFIG_INVALID', `a datagram has at most ${LIMITS.maxDatagramBytes} bytes`);
    }
    // The caller may reuse its buffer once this returns.
    const copy = new Uint8Array(data);
    const key = this.#flows.size > 0 || !this.#sharing ? formatHostPort(host, port) : '';
    // A target keeps the flow that it has: behind another one it would be another peer.
    const known = this.#flows.get(key);
    if (known !== undefined) known.flow.send(copy);
    else if (this.#sharing) (this.#shared ?? this.#openShared(host, port))?.flow.send({ host, port, data: copy });
    else this.#open(key, host, port)?.flow.send(copy);
  }

  get #sharing(): boolean {
    return this.#shared !== undefined || this.#host.sharesFlows();
  }

  close(): void {
    this.#end(undefined);
  }

  /** The tunnel ends. */
  fail(error: TunnelError): void {
    this.#end(error);
  }

  #open(key: string, host: string, port: number): { flow: Flow; id: number } | undefined {
    if (this.#flows.size >= CLIENT_LIMITS.maxFlows) this.#closeOldest();
    let entry: { flow: Flow; id: number };
    try {
      entry = this.#host.openFlow({
        host,
        port,
        onDatagrams: (datagrams) =>
          this.#receive(
            datagrams.map((data) => ({ host, port, data })),
            entry.id,
          ),
        onDropped: (count) => this.#drop(entry.id, count),
        onOver: () => {
          if (this.#flows.get(key) === entry) this.#flows.delete(key);
        },
      });
    } catch {
      // The tunnel holds as many streams as it may: like any full queue, it drops.
      this.#dropped += 1;
      return undefined;
    }
    this.#flows.set(key, entry);
    return entry;
  }

  #openShared(host: string, port: number): { flow: SharedFlow; id: number } | undefined {
    let entry: { flow: SharedFlow; id: number };
    try {
      entry = this.#host.openSharedFlow({
        host,
        port,
        onDatagrams: (datagrams) => this.#receive(datagrams, entry.id),
        onDropped: (count) => this.#drop(entry.id, count),
        onOver: () => {
          if (this.#shared === entry) this.#shared = undefined;
        },
      });
    } catch {
      this.#dropped += 1;
      return undefined;
    }
    this.#shared = entry;
    return entry;
  }

  #closeOldest(): void {
    let oldest: { key: string; flow: Flow } | undefined;
    for (const [key, { flow }] of this.#flows) {
      if (oldest === undefined || flow.usedAt < oldest.flow.usedAt) oldest = { key, flow };
    }
    if (oldest === undefined) return;
    this.#flows.delete(oldest.key);
    oldest.flow.close();
  }

  #receive(datagrams: Datagram[], id: number): void {
    if (this.#over) return;
    for (const datagram of datagrams) {
      this.#received.push(datagram);
      this.#receivedBytes += datagram.data.byteLength;
    }
    let dropped = 0;
    while (
      this.#received.length > CLIENT_LIMITS.maxReceivedDatagrams ||
      this.#receivedBytes > CLIENT_LIMITS.maxReceivedDatagramBytes
    ) {
      this.#receivedBytes -= (this.#received.shift() as Datagram).data.byteLength;
      dropped += 1;
    }
    if (dropped > 0) this.#drop(id, dropped);
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }

  #drop(id: number, count: number): void {
    this.#dropped += count;
    this.#host.onDropped(id, count);
  }

  async #pull(): Promise<void> {
    while (this.#received.length === 0) {
      if (this.#over) return;
      this.#wanted ??= new Deferred();
      await this.#wanted.promise;
    }
    const datagram = this.#received.shift() as Datagram;
    this.#receivedBytes -= datagram.data.byteLength;
    this.#controller.enqueue(datagram);
  }

  #end(error: TunnelError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const flows = [...this.#flows.values()];
    this.#flows.clear();
    for (const { flow } of flows) flow.close();
    this.#shared?.flow.close();
    this.#shared = undefined;
    this.#received.length = 0;
    this.#receivedBytes = 0;
    if (error === undefined) {
      this.#closed.resolve();
      // A reader that has cancelled has closed it already.
      try {
        this.#controller.close();
      } catch {}
    } else {
      this.#closed.reject(error);
      this.#controller.error(error);
    }
    this.#wanted?.resolve();
    this.#wanted = undefined;
    this.#host.onOver(this);
  }
}

/** Throws `TunnelError` CONFIG_INVALID for what no target can be. */
export function checkTarget(host: string, port: number): void {
  if (typeof host !== 'string' || host === '' || host.length > LIMITS.maxHostBytes) {
    throw new TunnelError('CONFIG_INVALID', `a target's host has 1 to ${LIMITS.maxHostBytes} characters`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TunnelError('CONFIG_INVALID', `a target's port is a whole number from 1 to 65535, not ${port}`);
  }
}
