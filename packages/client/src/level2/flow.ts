/** One UDP association: one flow of the engine, with the address beside each datagram. */
import type { StreamEngineEvent } from '@millrace/protocol/stream';
import type { CarrierStep } from '../carriers/carrier.js';
import type { TunnelError } from '../errors.js';
import { choreTimer, type Timer } from '../tunnel/clock.js';
import type { SharedFlow, SharedFlowRequest } from '../tunnel/level.js';
import type { Datagram } from '../tunnel/types.js';
import type { EngineDriver, EngineUser } from './engine-driver.js';
import { dialError, streamError } from './errors.js';

export class Level2Flow implements EngineUser, SharedFlow {
  readonly sid: number;
  readonly startedAt = performance.now();
  failures = 0;
  readonly #driver: EngineDriver;
  readonly #request: SharedFlowRequest;
  readonly #idleMs: number;
  #usedAt = this.startedAt;
  #expiry: Timer;
  #opened = false;
  #over = false;
  /** Of those that the engine dropped, how many were told. */
  #toldDropped = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  /** `sid` was just opened in the engine. */
  constructor(driver: EngineDriver, sid: number, request: SharedFlowRequest, idleMs: number) {
    this.#driver = driver;
    this.sid = sid;
    this.#request = request;
    this.#idleMs = idleMs;
    this.#expiry = choreTimer(() => this.#expire(), idleMs);
  }

  get opening(): boolean {
    return !this.#opened && !this.#over;
  }

  attempt(): void {
    this.#request.record.attempt();
  }

  step(step: CarrierStep, atMs: number): void {
    this.#request.record.step(step, atMs);
  }

  fail(error: TunnelError): void {
    this.#end(error, true);
  }

  send({ host, port, data }: Datagram): void {
    if (this.#over) return;
    this.#usedAt = performance.now();
    this.#bytesUp += data.byteLength;
    this.#driver.engine.sendDatagram(this.sid, { host, port, d: data }, this.#driver.now);
    this.#tellDropped();
    this.#driver.wake();
  }

  close(): void {
    this.#end(undefined, true);
  }

  onEvent(event: StreamEngineEvent): void {
    switch (event.type) {
      case 'opened':
        this.#opened = true;
        this.#request.record.succeed();
        break;
      case 'datagrams':
        this.#receive();
        break;
      case 'failed':
        this.#end(dialError(event.code), false);
        break;
      case 'reset':
        this.#end(streamError(event.code), false);
        break;
    }
  }

  #receive(): void {
    const { engine } = this.#driver;
    const { host, port } = this.#request;
    const datagrams: Datagram[] = [];
    for (let next = engine.readDatagram(this.sid); next !== undefined; next = engine.readDatagram(this.sid)) {
      // What comes is a view of a whole packet, and may wait long for the application.
      datagrams.push({ host: next.host ?? host, port: next.port ?? port, data: new Uint8Array(next.d) });
      this.#bytesDown += next.d.byteLength;
    }
    this.#tellDropped();
    if (datagrams.length === 0) return;
    this.#usedAt = performance.now();
    this.#request.record.firstByte();
    this.#request.onDatagrams(datagrams);
  }

  #tellDropped(): void {
    const dropped = this.#driver.engine.droppedDatagrams(this.sid);
    if (dropped > this.#toldDropped) this.#request.onDropped(dropped - this.#toldDropped);
    this.#toldDropped = dropped;
  }

  #expire(): void {
    const leftMs = this.#usedAt + this.#idleMs - performance.now();
    if (leftMs <= 0) this.#end(undefined, true);
    else this.#expiry = choreTimer(() => this.#expire(), Math.ceil(leftMs));
  }

  #end(error: TunnelError | undefined, tell: boolean): void {
    if (this.#over) return;
    this.#tellDropped();
    this.#over = true;
    clearTimeout(this.#expiry);
    this.#driver.forget(this);
    if (tell) {
      this.#driver.engine.reset(this.sid, 'STREAM_CLOSED', this.#driver.now);
      this.#driver.wake();
    }
    const { record } = this.#request;
    if (record.opened) record.close(this.#bytesUp, this.#bytesDown, error?.code);
    else record.fail(error?.code ?? 'STREAM_CLOSED');
    this.#request.onOver();
  }
}
