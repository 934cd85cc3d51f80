import type { ErrorCode } from '@millrace/protocol';
import type { SegmentDatagramValue } from '@millrace/protocol/level2';
import { type Address, parseAddress } from '../egress/address.js';
import type { Datagrams, Source } from '../egress/datagrams.js';
import { codeOf, NodeError } from '../errors.js';
import type { Channel } from '../streams/channel.js';
import { Watchers } from '../streams/watchers.js';
import type { Link } from './link.js';

const NO_WATCHERS = new Watchers(0);

/**
 * One UDP association: datagrams to and from any number of targets, tied to a flow of the engine. Only those that were sent to
 * may answer. What is lost is lost: a datagram that is denied, or too many, is dropped and counted, and the flow goes on.
 */
export class FlowLink implements Channel {
  readonly kind = 'flow';
  readonly watchers = NO_WATCHERS;
  readonly readable = false;
  readonly failure = undefined;
  /** Bytes held beside what the engine counts. */
  heldBytes = 0;
  usedAt: number;
  readonly #target: { host: string; port: number };
  readonly #datagrams: Datagrams;
  readonly #link: Link;
  /** Who was sent to, the one longest ago first. */
  readonly #peers = new Set<string>();
  readonly #drops = new Map<ErrorCode, number>();
  #droppedByEngine = 0;
  #waiting = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #closed = false;
  #gone: Promise<void> | undefined;

  /** `target`: of datagrams that name none. */
  constructor(target: { host: string; port: number }, datagrams: Datagrams, link: Link) {
    this.#target = target;
    this.#datagrams = datagrams;
    this.#link = link;
    this.usedAt = link.clock.now();
    datagrams.listen((data, from) => this.#onDatagram(data, from));
  }

  get bytesUp(): number {
    return this.#bytesUp;
  }

  get bytesDown(): number {
    return this.#bytesDown;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The engine has datagrams for targets. */
  sendUp(): void {
    const { engine, sid, clock } = this.#link;
    if (this.#closed) return;
    this.usedAt = clock.now();
    for (let next = engine.readDatagram(sid); next !== undefined; next = engine.readDatagram(sid)) this.#send(next);
  }

  /** Datagrams never wait for room. */
  sendDown(): void {}

  /** Datagrams dropped since this was asked last, by cause. */
  takeDropped(): Array<{ code: ErrorCode; count: number }> {
    const { engine, sid } = this.#link;
    // 0 once the engine has forgotten the flow.
    const byEngine = Math.max(this.#droppedByEngine, engine.droppedDatagrams(sid));
    this.#drop('QUEUE_FULL', byEngine - this.#droppedByEngine);
    this.#droppedByEngine = byEngine;
    const drops = [...this.#drops].map(([code, count]) => ({ code, count }));
    this.#drops.clear();
    return drops;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#gone ??= this.#datagrams.close();
    return this.#gone;
  }

  cut(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#link.failed('STREAM_CLOSED');
    }
    return this.close();
  }

  #send({ host = this.#target.host, port = this.#target.port, d }: SegmentDatagramValue): void {
    try {
      const addresses = this.#datagrams.resolve(host, port);
      if (Array.isArray(addresses)) this.#sendTo(addresses, port, d);
      else this.#sendLater(addresses, port, d).catch((error: unknown) => this.#drop(codeOf(error), 1));
    } catch (error) {
      this.#drop(codeOf(error), 1);
    }
  }

  /** Its name is being resolved; datagrams to other targets do not wait for it. */
  async #sendLater(resolving: Promise<Address[]>, port: number, d: Uint8Array): Promise<void> {
    const { maxFlowResolving } = this.#link.limits;
    if (this.#waiting >= maxFlowResolving) {
      // Nobody else may be waiting for that name, and its failure is no news.
      resolving.catch(() => {});
      throw new NodeError('QUEUE_FULL', `more than ${maxFlowResolving} datagrams wait for a name`);
    }
    this.#waiting++;
    this.heldBytes += d.buffer.byteLength;
    try {
      const addresses = await resolving;
      if (!this.#closed) this.#sendTo(addresses, port, d);
    } finally {
      this.#waiting--;
      this.heldBytes -= d.buffer.byteLength;
    }
  }

  #sendTo(addresses: readonly Address[], port: number, d: Uint8Array): void {
    const address = this.#datagrams.send(addresses, port, d, () => this.#drop('DIAL_FAILED', 1));
    if (address === undefined) return this.#drop('QUEUE_FULL', 1);
    this.#bytesUp += d.length;
    this.#link.traffic.up += d.length;
    this.#remember(peerOf(address.text, port));
  }

  #remember(peer: string): void {
    this.#peers.delete(peer);
    this.#peers.add(peer);
    if (this.#peers.size <= this.#link.limits.maxFlowPeers) return;
    const [oldest] = this.#peers;
    this.#peers.delete(oldest!);
  }

  #onDatagram(data: Buffer, { address, port }: Source): void {
    const { engine, sid, clock, wake } = this.#link;
    const host = address.includes(':') ? (parseAddress(address)?.text ?? address) : address;
    if (this.#closed || !this.#peers.has(peerOf(host, port))) return;
    this.usedAt = clock.now();
    this.#bytesDown += data.length;
    this.#link.traffic.down += data.length;
    engine.sendDatagram(sid, { host, port, d: data }, this.usedAt);
    wake();
  }

  #drop(code: ErrorCode, count: number): void {
    if (count > 0) this.#drops.set(code, (this.#drops.get(code) ?? 0) + count);
  }
}

const peerOf = (address: string, port: number): string => `${address} ${port}`;
