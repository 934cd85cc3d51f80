/**
 * A small level 1 node without network: targets are objects that the test moves by hand. It has no clock; a poll is answered
 * when there is something to say, when an op with bytes follows it, or when the test says so.
 */
import { randomUUID } from 'node:crypto';
import { CAPABILITY, decodeBase64, encodeBase64, type BatchOp, type TunnelResponse } from '@millrace/protocol';
import { Arrivals } from '@millrace/testkit';

/** How the node differs from one of this project. */
export interface FakeNodeOptions {
  /** Capability bits in replies to opens; undefined leaves them out, as older nodes do. */
  caps?: number | undefined;
  /** Whether `seq` is echoed, by op. A node that does not runs ops as they come. */
  echo?: (op: BatchOp) => boolean;
  /** Reply to `version`; undefined for a node that does not know it. */
  version?: TunnelResponse | undefined;
  /** Ops that it does not know. */
  unknownOps?: string[];
  /** Replies to opens instead of opening. */
  dial?: (op: BatchOp) => TunnelResponse | undefined | Promise<TunnelResponse | undefined>;
  /** Changes a reply on its way out. */
  change?: (reply: TunnelResponse, op: BatchOp) => TunnelResponse;
  /** Waits before an op is run. */
  before?: (op: BatchOp) => Promise<void> | undefined;
}

const VERSION: TunnelResponse = { caps: CAPABILITY.PIPELINE_SEQ, v: '9.9.9', node: 'fake', now: Date.now() };

export class FakeNode {
  readonly options: FakeNodeOptions;
  /** What was opened, in order. */
  readonly opened = new Arrivals<FakeTarget>('open');
  readonly targets = new Map<string, FakeTarget>();
  /** All ops, in the order in which they came. */
  readonly ops: BatchOp[] = [];
  /** Close ops, in order. */
  readonly closed = new Arrivals<string>('close');

  constructor(options: FakeNodeOptions = {}) {
    this.options = { caps: CAPABILITY.PIPELINE_SEQ, echo: () => true, version: VERSION, ...options };
  }

  /** Runs a batch. */
  async run(ops: readonly BatchOp[]): Promise<TunnelResponse[]> {
    this.ops.push(...ops);
    const { change = (reply: TunnelResponse) => reply } = this.options;
    const wait = new BatchWait();
    return Promise.all(
      ops.map(async (op) => {
        const reply = await this.#run(op, wait);
        // The batch is answered as a whole: who has something to say holds back nobody else's poll.
        wait.end();
        return change(reply, op);
      }),
    );
  }

  /** Answers all polls that wait. */
  releasePolls(): void {
    for (const target of this.targets.values()) target.release();
  }

  async #run(op: BatchOp, wait: BatchWait): Promise<TunnelResponse> {
    await this.options.before?.(op);
    if (this.options.unknownOps?.includes(op.op)) return { e: `unknown op ${op.op}`, code: 'UNSUPPORTED_OP' };
    switch (op.op) {
      case 'version':
        return this.options.version ?? { e: 'unknown op version', code: 'UNSUPPORTED_OP' };
      case 'connect':
      case 'connect_data':
      case 'udp_open':
        return this.#open(op);
      case 'close': {
        const target = this.targets.get(op.sid as string);
        target?.close();
        this.targets.delete(op.sid as string);
        this.closed.push(op.sid as string);
        return { sid: op.sid as string, eof: true };
      }
      default:
        return this.#data(op, wait);
    }
  }

  async #open(op: BatchOp): Promise<TunnelResponse> {
    const refused = await this.options.dial?.(op);
    if (refused !== undefined) return refused;
    const target = new FakeTarget(op);
    this.targets.set(target.sid, target);
    if (op.d !== undefined) target.write(decodeBase64(op.d));
    const { caps } = this.options;
    const reply = { sid: target.sid, ...target.drain(op), ...(caps === undefined ? {} : { caps }) };
    this.opened.push(target);
    return reply;
  }

  async #data(op: BatchOp, wait: BatchWait): Promise<TunnelResponse> {
    const target = this.targets.get(op.sid as string);
    const sequenced = op.seq !== undefined && this.options.echo?.(op) === true;
    const echo = sequenced ? { seq: op.seq as number } : {};
    if (target === undefined) return { sid: op.sid as string, eof: true, ...echo };
    if (!sequenced) return { ...(await target.exchange(op, wait)), ...echo };
    const refused = await target.turn(op.seq as number, op.d !== undefined, wait);
    if (refused !== undefined) return { sid: target.sid, ...refused, ...echo };
    try {
      return { ...(await target.exchange(op, wait)), ...echo };
    } finally {
      target.advance();
    }
  }
}

/** The one wait of a batch. */
class BatchWait {
  over = false;
  readonly #waiting: Array<() => void> = [];

  onEnd(wake: () => void): void {
    if (this.over) wake();
    else this.#waiting.push(wake);
  }

  end(): void {
    this.over = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** What the client reaches: a TCP connection, or a UDP peer. */
export class FakeTarget {
  readonly sid: string = randomUUID();
  readonly open: BatchOp;
  /** Pieces that the client sent, in the order in which they came out: one per op with bytes. */
  readonly received = new Arrivals<Uint8Array>('write');
  #pending: Uint8Array[] = [];
  #ended = false;
  #failure: { e: string; code?: string } | undefined;
  #closed = false;
  #expected = 0;
  readonly #turns = new Map<number, { hurried: () => boolean; go: () => void }>();
  readonly #polls = new Set<() => void>();
  #onPoll: Array<() => void> = [];

  constructor(open: BatchOp) {
    this.open = open;
  }

  /** All bytes that came so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.received.all);
  }

  /** The client has closed it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when a poll waits for something to say. */
  polled(): Promise<void> {
    if (this.#polls.size > 0) return Promise.resolve();
    return new Promise((resolve) => this.#onPoll.push(resolve));
  }

  /** The target sends bytes, or one datagram. */
  send(data: Uint8Array | string): void {
    this.#pending.push(typeof data === 'string' ? Buffer.from(data) : data);
    this.release();
  }

  /** The target ends its side. */
  end(): void {
    this.#ended = true;
    this.release();
  }

  /** The target is gone: the next op hears of it. */
  fail(e: string, code?: string): void {
    this.#failure = { e, ...(code === undefined ? {} : { code }) };
    this.release();
  }

  close(): void {
    this.#closed = true;
    this.release();
  }

  write(data: Uint8Array): void {
    this.received.push(data);
  }

  /** Answers polls that wait. */
  release(): void {
    for (const poll of this.#polls) poll();
  }

  drain(op: BatchOp): TunnelResponse {
    const pending = this.#pending.splice(0);
    if (op.op.startsWith('udp')) return pending.length === 0 ? {} : { pkts: pending.map((data) => encodeBase64(data)) };
    const bytes = Buffer.concat(pending);
    return {
      ...(bytes.length === 0 ? {} : { d: encodeBase64(bytes) }),
      ...(this.#ended || this.#closed ? { eof: true } : {}),
      ...this.#failure,
    };
  }

  /** Writes, or waits for something to say; then drains. */
  async exchange(op: BatchOp, wait: BatchWait): Promise<TunnelResponse> {
    if (op.d !== undefined) this.write(decodeBase64(op.d));
    else if (this.#pending.length === 0 && !this.#ended && this.#failure === undefined && !this.#closed)
      await this.#poll(wait);
    return { sid: this.sid, ...this.drain(op) };
  }

  /** Waits for the turn of an op. Who has it gives way to bytes, and to an op whose batch waits for nothing else. */
  async turn(seq: number, withBytes: boolean, wait: BatchWait): Promise<TunnelResponse | undefined> {
    if (seq < this.#expected || this.#turns.has(seq)) return { e: `seq ${seq} came before`, code: 'SEQ_REPEATED' };
    const hurried = (): boolean => withBytes || wait.over;
    if (seq === this.#expected) {
      this.#turns.set(seq, { hurried, go: () => {} });
      return undefined;
    }
    let waits = true;
    wait.onEnd(() => {
      if (waits) this.release();
    });
    if (hurried()) this.release();
    await new Promise<void>((resolve) => this.#turns.set(seq, { hurried, go: resolve }));
    waits = false;
    return undefined;
  }

  advance(): void {
    this.#turns.delete(this.#expected);
    this.#expected += 1;
    this.#turns.get(this.#expected)?.go();
  }

  #poll(wait: BatchWait): Promise<void> {
    const hurried = [...this.#turns].some(([seq, turn]) => seq > this.#expected && turn.hurried());
    if (hurried || wait.over) return Promise.resolve();
    return new Promise((resolve) => {
      const poll = (): void => {
        this.#polls.delete(poll);
        resolve();
      };
      this.#polls.add(poll);
      wait.onEnd(poll);
      for (const heard of this.#onPoll.splice(0)) heard();
    });
  }
}
