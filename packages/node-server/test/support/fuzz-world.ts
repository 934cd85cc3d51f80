import { expect } from 'vitest';
import { type BatchOp, EventHub, type MillraceEvent, type TunnelResponse } from '@millrace/protocol';
import type { Egress } from '../../src/egress/egress.js';
import { type BatchOutcome, Level1 } from '../../src/level1/index.js';
import { NODE_LIMITS } from '../../src/limits.js';
import { BytePool } from '../../src/streams/byte-pool.js';
import { StreamTable } from '../../src/streams/table.js';
import { ManualClock } from './clock.js';
import { quiet } from './eventually.js';
import { FakeSocket } from './fake-socket.js';
import type { Random } from './random.js';

/** How a client orders the ops of a stream: `seq` up to 6 in flight, none with one, `wseq` with any number and no replies of interest. */
type Mode = 'seq' | 'plain' | 'wseq';

/** A stream as its client knows it, and the other end of it. */
interface ModelStream {
  readonly id: number;
  readonly mode: Mode;
  readonly sid: string;
  readonly socket: FakeSocket;
  /** Bytes given to ops, bytes sent by the target, bytes that came to the client in order. */
  up: number;
  sent: number;
  down: number;
  nextSeq: number;
  nextReply: number;
  inFlight: number;
  readonly replies: Map<number, TunnelResponse>;
  /** What the target did. */
  ending: 'open' | 'ended' | 'reset';
  /** What the client was told. */
  told: 'open' | 'eof' | 'error';
  /** The client gave it up: an answer was lost, or it was told an end. */
  done: boolean;
  /** Bytes were lost with an answer: the node must not let the stream go on. */
  broken: boolean;
}

interface ModelBatch {
  readonly ops: BatchOp[];
  readonly streams: Array<ModelStream | undefined>;
  readonly issuedAt: number;
  readonly abort: AbortController;
}

/** What clients of each kind keep to. */
const MOST_IN_FLIGHT = { seq: 6, plain: 1 };

const MAX_UNDELIVERED_MS = 10_000;

/** The byte at a place: of stream `id`, towards the target (0) or from it (1). */
const byteAt = (id: number, direction: number, at: number): number =>
  (at * 31 + (at >> 8) * 17 + id * 7 + direction * 101) & 255;

function bytesAt(id: number, direction: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let n = 0; n < length; n++) bytes[n] = byteAt(id, direction, from + n);
  return bytes;
}

/** A client that sends random ops, a network that delivers its batches in any order or loses their answers, and random targets. */
export class FuzzWorld {
  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #pool = new BytePool(64 * 1024 * 1024);
  readonly #level1: Level1;
  readonly #sockets: FakeSocket[] = [];
  readonly #streams: ModelStream[] = [];
  #undelivered: ModelBatch[] = [];
  #failure: unknown;
  readonly #running = new Map<ModelBatch, Promise<void>>();

  constructor(random: Random) {
    this.#random = random;
    const events = new EventHub<MillraceEvent>();
    const clock = this.#clock;
    const table = new StreamTable({
      maxStreams: 100,
      streamIdleMs: 1e9,
      flowIdleMs: 1e9,
      maxLingering: 100,
      clock,
      events,
    });
    const egress = {
      connect: () => {
        const socket = new FakeSocket();
        this.#sockets.push(socket);
        return Promise.resolve(socket.asSocket());
      },
    } as unknown as Egress;
    // All small, so that writes wait, targets are paused and drains leave a tail behind all the time.
    const limits = {
      ...NODE_LIMITS,
      maxStreamDrainBytes: 5_000,
      maxBatchDrainBytes: 8_000,
      maxWriteBacklogBytes: 10_000,
      writePieceBytes: 1_000,
      writeStallMs: 1e9,
    };
    this.#level1 = new Level1({
      table,
      egress,
      pool: this.#pool,
      clock,
      events,
      limits,
      nodeId: 'fuzz',
      logTargets: false,
      activeDrainMs: 350,
      longPollMs: 15_000,
      settleStepMs: 10,
      settleMaxMs: 1_000,
      seqWaitMs: 30_000,
    });
  }

  /** Opens the streams of this run. */
  async open(count: number): Promise<void> {
    for (let id = 0; id < count; id++) {
      const op = { op: 'connect', host: 'target.example.org', port: 80 };
      const { replies, finished } = await this.#level1.runBatch([op], new AbortController().signal);
      finished(true);
      expect(replies).toEqual([{ sid: expect.any(String), eof: false, caps: 7 }]);
      this.#streams.push({
        id,
        mode: this.#random.pick(['seq', 'seq', 'plain', 'wseq'] as const),
        sid: replies[0]!.sid!,
        socket: this.#sockets.at(-1)!,
        up: 0,
        sent: 0,
        down: 0,
        nextSeq: 0,
        nextReply: 0,
        inFlight: 0,
        replies: new Map(),
        ending: 'open',
        told: 'open',
        done: false,
        broken: false,
      });
    }
  }

  /** One random thing happens. */
  async step(): Promise<void> {
    const random = this.#random;
    const stream = random.pick(this.#streams);
    const dice = random.below(100);
    if (dice < 35) this.#issue();
    else if (dice < 60) this.#deliver();
    else if (dice < 78) this.#targetSends(stream, 1 + random.below(random.chance(5) ? 200_000 : 3_000));
    else if (dice < 79) this.#targetEnds(stream);
    else if (dice < 80) this.#targetResets(stream);
    else if (dice < 88) stream.socket.stall(random.chance(50));
    else if (dice < 89) this.#loseAnswer();
    else await this.#pass(random.pick([0, 1, 10, 100, 350, 1_000]));
    if (random.chance(30)) await quiet(1);
  }

  /** Everything comes to rest; then every byte of every stream must have arrived, and nothing may be held. */
  async finish(): Promise<void> {
    for (const { socket } of this.#streams) socket.stall(false);
    while (this.#undelivered.length > 0) this.#deliver();
    await this.#rest();
    for (const stream of this.#streams) await this.#drain(stream);
    await quiet();
    for (const stream of this.#streams) this.#checkStream(stream);
    await this.#run(this.#batch(this.#streams.map((stream) => [{ op: 'close', sid: stream.sid }, undefined])));
    await this.#pass(10_000);
    expect(this.#pool.used).toBe(0);
  }

  /** Makes a batch of random ops and puts it on its way. */
  #issue(): void {
    const random = this.#random;
    const ops: Array<[BatchOp, ModelStream | undefined]> = [];
    for (const stream of this.#streams) {
      if (stream.done || random.chance(40)) continue;
      const most = stream.mode === 'wseq' ? 32 - this.#ahead(stream) : MOST_IN_FLIGHT[stream.mode] - stream.inFlight;
      for (let n = random.below(Math.min(most, 3) + 1); n > 0; n--) ops.push([this.#dataOp(stream), stream]);
    }
    if (random.chance(10)) ops.push([{ op: 'version' }, undefined]);
    if (random.chance(10)) ops.push([{ op: 'what', sid: 'ever' }, undefined]);
    if (random.chance(10)) ops.push([{ op: 'data', sid: 'unknown', seq: 3 }, undefined]);
    // Only seq makes the order within a batch free.
    if (ops.length > 0) this.#undelivered.push(this.#batch(random.chance(50) ? random.shuffle(ops) : ops));
  }

  /** How many writes may have to wait at the node for the first that has not come there. */
  #ahead(stream: ModelStream): number {
    const missing = this.#undelivered.flatMap(({ ops }) =>
      ops.filter(({ sid }) => sid === stream.sid).map(({ wseq }) => wseq!),
    );
    return missing.length === 0 ? 0 : stream.nextSeq - Math.min(...missing);
  }

  #dataOp(stream: ModelStream): BatchOp {
    const random = this.#random;
    const isWrite = stream.mode === 'wseq' || random.chance(50);
    const length = isWrite ? 1 + random.below(random.chance(10) ? 30_000 : 500) : 0;
    const d = bytesAt(stream.id, 0, stream.up, length).toString('base64');
    stream.up += length;
    stream.inFlight++;
    const number = stream.nextSeq++;
    return {
      op: 'data',
      sid: stream.sid,
      ...(isWrite && { d }),
      ...(stream.mode === 'seq' && { seq: number, ...(random.chance(20) && { wseq: random.below(5) }) }),
      ...(stream.mode === 'wseq' && { wseq: number }),
    };
  }

  #batch(ops: Array<[BatchOp, ModelStream | undefined]>): ModelBatch {
    return {
      ops: ops.map(([op]) => op),
      streams: ops.map(([, stream]) => stream),
      issuedAt: this.#clock.now(),
      abort: new AbortController(),
    };
  }

  /** A random batch reaches the node. */
  #deliver(): void {
    if (this.#undelivered.length === 0) return;
    const batch = this.#random.pick(this.#undelivered);
    this.#undelivered = this.#undelivered.filter((other) => other !== batch);
    void this.#run(batch);
  }

  #run(batch: ModelBatch): Promise<void> {
    const done = this.#level1
      .runBatch(batch.ops, batch.abort.signal)
      .then((outcome) => {
        this.#running.delete(batch);
        this.#take(batch, outcome);
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
    this.#running.set(batch, done);
    return done;
  }

  /** The answer of a batch comes to the client, or does not. */
  #take(batch: ModelBatch, { replies, finished }: BatchOutcome): void {
    // An answer is lost with its connection, or only by then when it was on its way.
    const lost = batch.abort.signal.aborted || this.#random.chance(2);
    finished(!lost);
    expect(replies).toHaveLength(batch.ops.length);
    for (const [index, reply] of replies.entries()) {
      const stream = batch.streams[index];
      const op = batch.ops[index]!;
      if (stream === undefined) {
        if (op.op !== 'version') expect(reply.sid).toBe(op.sid);
        continue;
      }
      stream.inFlight--;
      expect([reply.sid, reply.seq]).toEqual([stream.sid, op.seq]);
      if (lost && reply.d !== undefined) stream.broken = true;
      if (stream.broken) stream.done = true;
      if (stream.done) continue;
      // A lost answer without bytes leaves no hole: what follows must go on as if it had come.
      if (stream.mode === 'seq') stream.replies.set(op.seq!, reply);
      else this.#read(stream, reply);
    }
    for (const stream of this.#streams) this.#readInOrder(stream);
  }

  #readInOrder(stream: ModelStream): void {
    for (;;) {
      const reply = stream.replies.get(stream.nextReply);
      if (reply === undefined || stream.done) return;
      stream.replies.delete(stream.nextReply++);
      this.#read(stream, reply);
    }
  }

  /** Every byte of a reply is compared with what the target sent at that place. */
  #read(stream: ModelStream, reply: TunnelResponse): void {
    const bytes = Buffer.from(reply.d ?? '', 'base64');
    // Several ops with wseq in flight share what comes: their order says nothing.
    if (stream.mode !== 'wseq') {
      expect(bytes.equals(bytesAt(stream.id, 1, stream.down, bytes.length))).toBe(true);
      stream.down += bytes.length;
      expect(stream.down).toBeLessThanOrEqual(stream.sent);
    }
    if (reply.code !== undefined) {
      expect([reply.code, stream.ending]).toEqual(['TARGET_RESET', 'reset']);
      stream.told = 'error';
      stream.done = true;
    } else if (reply.eof === true) {
      expect(stream.ending).not.toBe('open');
      if (stream.mode !== 'wseq' && stream.ending === 'ended') expect(stream.down).toBe(stream.sent);
      stream.told = 'eof';
    } else {
      expect(reply.eof).toBe(false);
    }
  }

  #targetSends(stream: ModelStream, length: number): void {
    if (stream.ending !== 'open') return;
    stream.socket.push(bytesAt(stream.id, 1, stream.sent, length));
    stream.sent += length;
  }

  #targetEnds(stream: ModelStream): void {
    if (stream.ending !== 'open') return;
    stream.ending = 'ended';
    stream.socket.pushEnd();
  }

  #targetResets(stream: ModelStream): void {
    if (stream.ending === 'reset') return;
    stream.ending = 'reset';
    stream.socket.pushReset();
  }

  /** The connection under a running batch breaks: its answer, whatever is in it, does not arrive. */
  #loseAnswer(): void {
    const [batch] = this.#random.shuffle([...this.#running.keys()]);
    if (batch === undefined) return;
    batch.abort.abort();
  }

  /** Time passes; no batch is on its way for so long that the turn of those behind it is too late. */
  async #pass(ms: number): Promise<void> {
    this.#clock.advance(ms);
    while (this.#undelivered.some(({ issuedAt }) => issuedAt < this.#clock.now() - MAX_UNDELIVERED_MS)) this.#deliver();
    await quiet(2);
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #rest(): Promise<void> {
    while (this.#running.size > 0) await this.#pass(100);
  }

  /** Polls a stream until it has told everything. */
  async #drain(stream: ModelStream): Promise<void> {
    while (
      !stream.done &&
      stream.told === 'open' &&
      (stream.ending !== 'open' || stream.down < stream.sent) &&
      stream.mode !== 'wseq'
    ) {
      const op: BatchOp = { op: 'data', sid: stream.sid, ...(stream.mode === 'seq' && { seq: stream.nextSeq++ }) };
      stream.inFlight++;
      void this.#run(this.#batch([[op, stream]]));
      await this.#rest();
    }
  }

  #checkStream(stream: ModelStream): void {
    const arrived = Buffer.concat(stream.socket.received);
    expect(arrived.equals(bytesAt(stream.id, 0, 0, arrived.length))).toBe(true);
    if (stream.ending !== 'reset' && !stream.done) expect(arrived.length).toBe(stream.up);
    if (stream.broken) expect(stream.socket.destroyed).toBe(true);
    if (stream.done || stream.mode === 'wseq') return;
    expect(stream.told).toBe(stream.ending === 'open' ? 'open' : 'eof');
    if (stream.ending !== 'reset') expect(stream.down).toBe(stream.sent);
  }
}
