/** One stream: moves bytes, ends and failures between a channel and the engine. */
import { holdView } from '@millrace/protocol/level2';
import type { StreamEngineEvent } from '@millrace/protocol/stream';
import type { CarrierStep } from '../carriers/carrier.js';
import type { TunnelError } from '../errors.js';
import type { Channel } from '../tunnel/channel.js';
import { tellUsedUp } from '../tunnel/given-away.js';
import type { StreamRequest } from '../tunnel/level.js';
import type { EngineDriver, EngineUser } from './engine-driver.js';
import { dialError, streamError } from './errors.js';

export class Level2Stream implements EngineUser {
  readonly sid: number;
  readonly startedAt = performance.now();
  failures = 0;
  readonly #driver: EngineDriver;
  readonly #request: StreamRequest;
  readonly #channel: Channel;
  #opened = false;
  /** The end of the application's side was handed to the engine. */
  #finished = false;
  /** The node has everything that the application wrote, or nothing more is sent. */
  #uploaded = false;
  #over = false;

  /** `sid` was just opened in the engine. */
  constructor(driver: EngineDriver, sid: number, request: StreamRequest) {
    this.#driver = driver;
    this.sid = sid;
    this.#request = request;
    this.#channel = request.channel;
    this.#channel.drive({
      onActivity: () => this.#activity(),
      onReset: () => this.#cut(),
      room: (wanted) => this.#room(wanted),
      read: () => this.#read(),
    });
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
    this.#cut();
    this.#channel.fail(error);
  }

  onEvent(event: StreamEngineEvent): void {
    switch (event.type) {
      case 'opened':
        this.#opened = true;
        this.#request.record.succeed();
        this.#channel.markOpened();
        break;
      case 'readable':
        this.#readable();
        break;
      case 'writable':
        this.#activity();
        this.#channel.wakeUpload();
        break;
      case 'finished':
        this.#endUpload();
        break;
      case 'failed':
        this.#leave();
        this.#channel.fail(dialError(event.code));
        break;
      case 'reset':
        this.#leave();
        this.#channel.fail(streamError(event.code));
        break;
      case 'closed':
        this.#leave();
        this.#channel.finish();
        break;
    }
  }

  /** The application wrote, ended its side, or wants no more. */
  #activity(): void {
    if (this.#over) return;
    const { engine, now } = this.#driver;
    const { unsentBytes } = this.#channel;
    // First bytes were taken in before the engine could be asked; what it has no room for follows with `writable`.
    const bytes = unsentBytes > 0 ? this.#channel.take(engine.room(this.sid, unsentBytes)) : undefined;
    if (bytes !== undefined) engine.write(this.sid, bytes, now, tellUsedUp);
    if (this.#channel.uploadDropped) {
      this.#endUpload();
    } else if (this.#channel.uploadDrained && !this.#finished) {
      this.#finished = true;
      engine.finish(this.sid, now);
    }
    if (this.#channel.downloadCancelled) this.#discard();
    this.#driver.wake();
  }

  /** A chunk is not taken apart for the room there is while as much is on its way: what is whole need not be copied. */
  #room(wanted: number): number {
    const { engine } = this.#driver;
    const room = engine.room(this.sid, wanted);
    return room < wanted && engine.unacknowledgedBytes(this.sid) > wanted ? 0 : room;
  }

  /** Something came, or the end. */
  #readable(): void {
    const { engine } = this.#driver;
    if (engine.read(this.sid, 0) !== null) this.#request.record.firstByte();
    if (this.#channel.downloadCancelled) this.#discard();
    else if (this.#channel.downloadWanted) this.#channel.wakeDownload();
    // An end with nothing before it is told to those who do not ask, too.
    else if (engine.read(this.sid, 0) === null) this.#endDownload();
  }

  #read(): Uint8Array | undefined {
    if (this.#over) return undefined;
    const { engine, now } = this.#driver;
    const bytes = engine.read(this.sid);
    if (bytes === null) {
      this.#endDownload();
      return undefined;
    }
    if (bytes === undefined) return undefined;
    holdView(bytes);
    engine.consume(this.sid, bytes.byteLength, now);
    this.#driver.wake();
    return bytes;
  }

  /** Nobody wants what comes, and the target may go on to its end. */
  #discard(): void {
    if (this.#over) return;
    const { engine, now } = this.#driver;
    let bytes = engine.read(this.sid);
    for (; bytes !== undefined && bytes !== null; bytes = engine.read(this.sid)) {
      engine.consume(this.sid, bytes.byteLength, now);
    }
    if (bytes === null) this.#endDownload();
    else this.#finishBoth();
  }

  #endDownload(): void {
    this.#channel.endDownload();
    this.#finishBoth();
    this.#driver.wake();
  }

  #endUpload(): void {
    if (this.#uploaded) return;
    this.#uploaded = true;
    this.#channel.endUpload();
    this.#finishBoth();
  }

  /**
   * Ends a stream of which a side was given up, once the other has ended. The target hears of a cut: what was dropped must not
   * look complete there.
   */
  #finishBoth(): void {
    const { uploadDropped, downloadCancelled, targetEnded } = this.#channel;
    if (this.#over || !this.#uploaded || !(targetEnded || downloadCancelled)) return;
    if (!uploadDropped && !downloadCancelled) return;
    this.#cut();
    this.#channel.finish();
  }

  /** Cuts the stream at the node. */
  #cut(): void {
    if (this.#over) return;
    this.#leave();
    this.#driver.engine.reset(this.sid, 'STREAM_CLOSED', this.#driver.now);
    this.#driver.wake();
  }

  #leave(): void {
    this.#over = true;
    this.#driver.forget(this);
  }
}
