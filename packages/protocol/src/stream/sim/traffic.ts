import type { StreamEngineEvent } from '../events.js';
import type { Pair } from './pair.js';

type End = 'client' | 'node';
/** A slow reader waits until it may take so much. */
const SLOW_PIECE_BYTES = 4096;
const CHUNK = new Uint8Array(65_536).fill(7);

/** What one stream does. Times are virtual ms. */
export interface Job {
  upBytes: number;
  downBytes: number;
  /** The dial takes this long; never: it does not end. */
  dialMs?: number | 'never';
  /** Small messages, each answered by one of `answerBytes` before the next one is sent. */
  rounds?: number;
  askBytes?: number;
  answerBytes?: number;
  /** Bytes per ms that the application has to send; absent: all at once. */
  sourceRate?: number;
  /** The application learns so much later, ms, that it may write again. */
  lateMs?: number;
  /** Readers take so much at once and then so many bytes per ms; 0: they stall. Absent: all that comes. */
  slowReader?: { takesBytes: number; rate: number };
  /** It stays open when all is done. */
  stays?: boolean;
  /** The first message waits until the stream is open. */
  waitsForOpen?: boolean;
}

/** What became of one stream. */
export interface Running {
  readonly sid: number;
  readonly job: Job;
  readonly startedAt: number;
  read: Record<End, number>;
  written: Record<End, number>;
  /** A paced source of this end will come back. */
  waking: Record<End, boolean>;
  finishedAt: number | undefined;
  /** How long each message took until its answer was whole. */
  readonly roundMs: number[];
  askedAt: number;
}

/** Runs jobs on a pair: bulk in either direction, and questions with answers. */
export class Traffic {
  readonly running = new Map<number, Running>();
  /** Called with what one end read. */
  onRead: (stream: Running, end: End, bytes: number) => void = () => {};
  readonly #pair: Pair;

  constructor(pair: Pair) {
    this.#pair = pair;
    pair.onOpen = (sid) => {
      const { dialMs = 0 } = this.#of(sid).job;
      if (dialMs === 'never') return;
      const dialed = () => {
        pair.node.dialed(sid, { code: '' }, pair.now);
        this.#write('node', this.#of(sid));
      };
      if (dialMs === 0) return dialed();
      pair.clock.after(dialMs, () => {
        dialed();
        pair.pump();
      });
    };
    pair.onClientEvent = (event) => this.#event('client', event);
    pair.onNodeEvent = (event) => this.#event('node', event);
  }

  start(job: Job): Running {
    const pair = this.#pair;
    const stream: Running = {
      sid: pair.open(),
      job,
      startedAt: pair.now,
      read: { client: 0, node: 0 },
      written: { client: 0, node: 0 },
      waking: { client: false, node: false },
      finishedAt: undefined,
      roundMs: [],
      askedAt: pair.now,
    };
    this.running.set(stream.sid, stream);
    if (job.waitsForOpen !== true) this.#write('client', stream);
    return stream;
  }

  /** Runs until all jobs are done, but for those that never are. */
  finish(mostMs = 3_600_000): void {
    const jobs = [...this.running.values()].filter(({ job }) => job.dialMs !== 'never');
    this.#pair.run(mostMs, () => jobs.every(({ finishedAt }) => finishedAt !== undefined));
    const left = jobs.filter(({ finishedAt }) => finishedAt === undefined);
    if (left.length > 0) throw new Error(`${left.length} streams are not done after ${mostMs} ms`);
  }

  #of(sid: number): Running {
    return this.running.get(sid)!;
  }

  #event(end: End, event: StreamEngineEvent): void {
    if (!('sid' in event)) return;
    const stream = this.running.get(event.sid);
    if (stream === undefined) return;
    if (event.type === 'readable') this.#read(end, stream);
    if (event.type === 'writable') this.#writable(end, stream);
    if (event.type === 'opened' && stream.job.waitsForOpen === true) this.#write('client', stream);
    if (event.type === 'reset' || event.type === 'failed') throw new Error(`stream ${event.sid}: ${event.code}`);
  }

  /** Bytes that `end` may have written by now: all of its bulk, and its share of the rounds so far. */
  #due(end: End, { job, read }: Running): number {
    const { rounds = 0, askBytes = 1, answerBytes = 1 } = job;
    if (end === 'client') return job.upBytes + Math.min(rounds, Math.floor(read.client / answerBytes) + 1) * askBytes;
    return job.downBytes + Math.floor(read.node / askBytes) * answerBytes * (rounds > 0 ? 1 : 0);
  }

  #writable(end: End, stream: Running): void {
    const { lateMs = 0 } = stream.job;
    if (lateMs === 0) return this.#write(end, stream);
    this.#pair.clock.after(lateMs, () => {
      this.#write(end, stream);
      this.#pair.pump();
    });
  }

  #write(end: End, stream: Running): void {
    const pair = this.#pair;
    const { sourceRate } = stream.job;
    for (let due = this.#due(end, stream); stream.written[end] < due;) {
      const size = Math.min(CHUNK.length, due - stream.written[end]);
      if (sourceRate !== undefined && !this.#produced(end, stream, size, sourceRate)) return;
      const taken = pair[end].write(stream.sid, size === CHUNK.length ? CHUNK : CHUNK.slice(0, size), pair.now);
      stream.written[end] += taken;
      if (taken < size) return;
      due = this.#due(end, stream);
    }
  }

  /** Whether the source has given `size` bytes more by now; else it comes back when it has. */
  #produced(end: End, stream: Running, size: number, rate: number): boolean {
    const pair = this.#pair;
    const at = stream.startedAt + (stream.written[end] + size) / rate;
    if (at <= pair.now) return true;
    if (stream.waking[end]) return false;
    stream.waking[end] = true;
    pair.clock.after(at - pair.now, () => {
      stream.waking[end] = false;
      this.#write(end, stream);
      pair.pump();
    });
    return false;
  }

  #read(end: End, stream: Running): void {
    const pair = this.#pair;
    const { rounds = 0, answerBytes = 1 } = stream.job;
    for (let piece = this.#next(end, stream); piece; piece = this.#next(end, stream)) {
      stream.read[end] += piece.length;
      pair[end].consume(stream.sid, piece.length, pair.now);
      this.onRead(stream, end, piece.length);
    }
    if (end === 'client' && rounds > 0 && stream.read.client >= (stream.roundMs.length + 1) * answerBytes) {
      stream.roundMs.push(pair.now - stream.askedAt);
      stream.askedAt = pair.now;
    }
    if (rounds > 0) this.#write(end, stream);
    this.#finish(stream);
  }

  /** What an application reads now; a slow one comes back for more. */
  #next(end: End, stream: Running): Uint8Array | undefined | null {
    const pair = this.#pair;
    const { slowReader } = stream.job;
    if (slowReader === undefined) return pair[end].read(stream.sid);
    const { takesBytes, rate } = slowReader;
    const most = Math.floor(takesBytes + rate * (pair.now - stream.startedAt)) - stream.read[end];
    if (most >= SLOW_PIECE_BYTES) return pair[end].read(stream.sid, most);
    if (rate > 0 && !stream.waking[end]) {
      stream.waking[end] = true;
      pair.clock.after((SLOW_PIECE_BYTES - most) / rate, () => {
        stream.waking[end] = false;
        this.#read(end, stream);
        pair.pump();
      });
    }
    return undefined;
  }

  #finish(stream: Running): void {
    const { job, read } = stream;
    if (stream.finishedAt !== undefined) return;
    if (job.rounds === undefined ? read.client < job.downBytes : stream.roundMs.length < job.rounds) return;
    if (read.node < job.upBytes) return;
    stream.finishedAt = this.#pair.now;
    if (job.stays === true) return;
    this.#pair.client.finish(stream.sid, this.#pair.now);
    this.#pair.node.finish(stream.sid, this.#pair.now);
  }
}
