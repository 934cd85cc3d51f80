import { KIND_FLOW } from '../packet.js';
import type { StreamEngine } from '../engine.js';
import type { Clock } from './clock.js';
import { checkPattern, patternAt } from './pattern.js';
import type { Random } from './random.js';

/** What both applications of one stream will do. */
export interface StreamPlan {
  kind: number;
  upBytes: number;
  downBytes: number;
  /** Who ends its direction only after it saw the other's end. */
  waits: 'client' | 'node' | 'nobody';
  /** Who resets, and after how many bytes that it read. */
  resets: 'client' | 'node' | 'nobody';
  resetAfterBytes: number;
  slow: 'client' | 'node' | 'nobody';
  dialCode: string;
  dialMs: number;
}

/** One application's use of one stream, at one end: writes a pattern, checks what it reads. */
export class SimApplication {
  readonly sid: number;
  readonly plan: StreamPlan;
  readonly end: 'client' | 'node';
  result: 'running' | 'clean' | 'cut' = 'running';
  /** The target was reached; before, the node's application neither reads nor writes. */
  connected: boolean;
  readBytes = 0;
  sawEnd = false;
  datagrams = new Set<number>();
  readonly #engine: StreamEngine;
  readonly #clock: Clock;
  readonly #random: Random;
  #written = 0;
  #finished = false;
  #reading = false;
  #datagramsSent = 0;

  constructor(
    engine: StreamEngine,
    sid: number,
    plan: StreamPlan,
    end: 'client' | 'node',
    clock: Clock,
    random: Random,
  ) {
    this.#engine = engine;
    this.sid = sid;
    this.plan = plan;
    this.end = end;
    this.connected = end === 'client';
    this.#clock = clock;
    this.#random = random;
  }

  get outTotal(): number {
    return this.end === 'client' ? this.plan.upBytes : this.plan.downBytes;
  }

  get inTotal(): number {
    return this.end === 'client' ? this.plan.downBytes : this.plan.upBytes;
  }

  get wroteAll(): boolean {
    return this.#finished;
  }

  /** Writes until the engine takes no more. */
  write(): void {
    if (!this.connected || this.result !== 'running' || this.plan.kind === KIND_FLOW) return;
    const salt = this.#salt(this.end);
    while (this.#written < this.outTotal) {
      const size = Math.min(
        this.#random.chance(0.3) ? this.#random.int(1, 300) : this.#random.int(1000, 30_000),
        this.outTotal - this.#written,
      );
      const bytes = patternAt(salt, this.#written, size);
      const taken = this.#engine.write(this.sid, bytes, this.#clock.now);
      this.#written += taken;
      if (taken < bytes.length) return;
    }
    if (this.#finished || (this.plan.waits === this.end && !this.sawEnd)) return;
    this.#finished = true;
    this.#engine.finish(this.sid, this.#clock.now);
  }

  /** Something can be read. */
  readable(pump: () => void): void {
    if (!this.connected || this.#reading) return;
    if (this.plan.slow !== this.end) {
      this.#read(Number.MAX_SAFE_INTEGER, pump);
      return;
    }
    this.#reading = true;
    this.#clock.after(this.#random.between(1, 400), () => {
      this.#reading = false;
      if (this.#read(this.#random.int(1, 20_000), pump)) this.readable(pump);
      pump();
    });
  }

  sendDatagram(): void {
    const n = this.#datagramsSent++;
    const d = patternAt(this.#salt(this.end), n, 40 + (n % 400));
    this.#engine.sendDatagram(this.sid, { d, host: `peer${n}`, port: 1 + n }, this.#clock.now);
  }

  readDatagrams(): void {
    for (let next = this.#engine.readDatagram(this.sid); next; next = this.#engine.readDatagram(this.sid)) {
      if (this.datagrams.has(next.n)) throw new Error(`datagram ${next.n} of flow ${this.sid} came twice`);
      this.datagrams.add(next.n);
      if (next.d.length !== 40 + (next.n % 400) || next.host !== `peer${next.n}`) throw new Error('datagram is wrong');
      checkPattern(this.#salt(this.end === 'client' ? 'node' : 'client'), next.n, next.d);
    }
  }

  /** True while there may be more to read. */
  #read(max: number, pump: () => void): boolean {
    let left = max;
    while (left > 0 && this.result === 'running') {
      const bytes = this.#engine.read(this.sid, left);
      if (bytes === undefined) return false;
      if (bytes === null) {
        if (this.readBytes !== this.inTotal)
          throw new Error(`stream ${this.sid} ended cleanly after ${this.readBytes} of ${this.inTotal}`);
        this.sawEnd = true;
        this.write();
        return false;
      }
      checkPattern(this.#salt(this.end === 'client' ? 'node' : 'client'), this.readBytes, bytes);
      this.readBytes += bytes.length;
      left -= bytes.length;
      this.#use(bytes.length, pump);
      if (this.plan.resets === this.end && this.readBytes >= this.plan.resetAfterBytes) {
        this.result = 'cut';
        this.#engine.reset(this.sid, 'TARGET_RESET', this.#clock.now);
        return false;
      }
    }
    return true;
  }

  /** Slow readers are done with their bytes some time after they read them. */
  #use(bytes: number, pump: () => void): void {
    if (this.plan.slow !== this.end) {
      this.#engine.consume(this.sid, bytes, this.#clock.now);
      return;
    }
    this.#clock.after(this.#random.between(1, 100), () => {
      this.#engine.consume(this.sid, bytes, this.#clock.now);
      pump();
    });
  }

  #salt(from: 'client' | 'node'): number {
    return this.sid * 7919 + (from === 'client' ? 0 : 31_337);
  }
}
