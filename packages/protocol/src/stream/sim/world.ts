import { AssociationTable } from '../association-table.js';
import { ClientEngine } from '../client-engine.js';
import { resolveStreamOptions, type StreamEngineOptions } from '../options.js';
import { memoryBound } from '../memory.js';
import { KIND_FLOW, KIND_STREAM, type PacketValue } from '../packet.js';
import { SimApplication, type StreamPlan } from './application.js';
import type { Fault } from './faults.js';
import { OrderedLink, type Link } from './links.js';
import { makeLinks, makePlans, MORE_BYTES } from './plan.js';
import { Random } from './random.js';
import { WorldEnds, type NodeSide } from './world-ends.js';

/** Small limits, so that runs reach them. */
const SIM_OPTIONS: StreamEngineOptions = {
  maxStreams: 64,
  receiveBudgetBytes: 262_144,
  receiveCeilingBytes: 262_144,
  firstGrantBytes: 65_536,
  sendBudgetBytes: 131_072,
  maxGaps: 8,
  maxLostRanges: 8,
  maxRecords: 256,
  maxRecordItems: 512,
  maxHeldExchanges: 16,
};

/** Virtual time after which a run counts as stuck, ms. */
const DEADLINE_MS = 3_600_000;
/** What a run must move and meet, at least. */
const LEAST_BYTES = 262_144;
const LEAST_FAULTS = 20;

/** One client, one node, several links, on a virtual clock; everything drawn from a seed, everything checked. */
export class World extends WorldEnds {
  protected client: ClientEngine;
  readonly #resolved = resolveStreamOptions(SIM_OPTIONS);
  readonly #restart: 'node' | 'client' | undefined;
  #table: AssociationTable;
  #nextExchange = 0;
  #planned: StreamPlan[] = [];
  /** Plans travel beside the wire, by client and stream. */
  readonly #plansOf = new Map<string, Map<number, StreamPlan>>();
  #plans = new Map<number, StreamPlan>();
  #opened = 0;
  #opening = 0;

  constructor(seed: number) {
    super(new Random(seed));
    this.#restart = seed % 10 === 7 ? this.random.pick(['node', 'client'] as const) : undefined;
    for (const link of makeLinks(this, seed)) this.links.set(link.id, link);
    this.client = this.#newClient();
    this.#table = this.#newTable();
    this.#planned = makePlans(this.random);
  }

  get streams(): number {
    return this.#opened;
  }

  /** Runs until everything planned has happened and both ends are empty. Throws what went wrong. */
  run(): void {
    const restartAt = this.random.between(300, 4000);
    if (this.#restart === 'node') this.clock.after(restartAt, () => this.#restartNode());
    if (this.#restart === 'client') this.clock.after(restartAt, () => this.#restartClient());
    this.#openPlanned();
    let busy = 0;
    let last = -1;
    while (!this.#finished()) {
      this.#step();
      busy = this.clock.now === last ? busy + 1 : 0;
      last = this.clock.now;
      if (busy > 20_000) throw new Error(`busy loop at ${last} ms: ${this.#describe()}`);
    }
  }

  fault(fault: Fault): void {
    this.coverage.note(fault, [...this.client.inspect(), ...this.nodes.flatMap(({ engine }) => engine.inspect())]);
  }

  quota(path: string, forMs: number): void {
    this.client.setGate(path, { blockedUntil: this.clock.now + forMs });
  }

  /** A request reaches the node. */
  request(packet: PacketValue, answer: (response: PacketValue | undefined) => void): void {
    const side = this.#associate(packet);
    const exchange = this.#nextExchange++;
    this.answers.set(exchange, answer);
    side.engine.handleExchange(exchange, packet, this.clock.now);
    this.pump();
  }

  toNode(path: string, packet: PacketValue): void {
    const { engine } = this.#associate(packet);
    engine.addPath(path, this.links.get(path)!.options);
    engine.handlePacket(path, packet, this.clock.now);
    this.pump();
  }

  toClient(path: string, packet: PacketValue): void {
    this.client.handlePacket(path, packet, this.clock.now);
    this.pump();
  }

  failed(path: string, n: number, sent: boolean): void {
    this.client.exchangeFailed(path, n, this.clock.now, { sent });
    this.pump();
  }

  pathDown(path: string): void {
    this.client.removePath(path, this.clock.now);
    for (const { engine } of this.nodes) engine.removePath(path, this.clock.now);
    this.pump();
  }

  pathUp(link: Link): void {
    this.client.addPath(link.id, link.options);
    this.pump();
  }

  /** Lets both ends say and do all they can now, and checks what must always hold. */
  pump = (): void => {
    this.pumpClient();
    for (const side of this.nodes) this.pumpNode(side);
    const bound = memoryBound(this.#resolved, { streams: 64, exchanges: 64 });
    if (this.client.bytesHeld() > bound) throw new Error('the client holds more than its bound');
    for (const { engine } of this.nodes)
      if (engine.bytesHeld() > bound) throw new Error('the node holds more than its bound');
  };

  #step(): void {
    const engines = [this.client, ...this.nodes.map(({ engine }) => engine)];
    let next = this.clock.nextAt;
    for (const at of [...engines.map((engine) => engine.pollTimeout()), this.#table.pollTimeout()]) {
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    if (next === undefined) throw new Error(`nothing will happen any more: ${this.#describe()}`);
    if (next > DEADLINE_MS) throw new Error(`not done after ${DEADLINE_MS} ms: ${this.#describe()}`);
    this.clock.now = Math.max(this.clock.now, next);
    const { now } = this.clock;
    if (this.clock.nextAt !== undefined && this.clock.nextAt <= now) {
      this.clock.runNext();
      return;
    }
    for (const engine of engines) if ((engine.pollTimeout() ?? Infinity) <= now) engine.handleTimeout(now);
    for (const gone of this.#table.sweep(now)) {
      const side = this.nodes.find(({ engine }) => engine === gone)!;
      this.pumpNode(side);
      this.nodes.splice(this.nodes.indexOf(side), 1);
    }
    this.pump();
    for (const engine of engines) {
      if ((engine.pollTimeout() ?? Infinity) < now)
        throw new Error(`a deadline stays in the past: ${JSON.stringify(engine.deadlines())} at ${now}`);
    }
  }

  #open(plan: StreamPlan): void {
    const target = { host: 'example.org', port: 443, kind: plan.kind };
    const sid = this.client.open(target, this.clock.now);
    if (sid === undefined) throw new Error('the client opens no stream');
    this.#plans.set(sid, plan);
    this.#opened++;
    const application = new SimApplication(this.client, sid, plan, 'client', this.clock, this.random);
    this.clients.set(sid, application);
    application.write();
    if (plan.kind === KIND_FLOW) {
      this.talk(application);
      this.clock.after(this.random.between(500, 3000), () => {
        if (application.result !== 'running') return;
        application.result = 'cut';
        this.client.reset(sid, 'STREAM_CLOSED', this.clock.now);
        this.pump();
      });
    }
  }

  #openPlanned(): void {
    const client = this.client;
    for (const plan of this.#planned.splice(0)) {
      this.#opening++;
      this.clock.after(this.random.between(0, 1500), () => {
        this.#opening--;
        if (client === this.client) this.#open(plan);
        this.pump();
      });
    }
  }

  #finished(): boolean {
    if (this.#opening > 0 || this.#planned.length > 0) return false;
    for (const application of this.clients.values()) if (application.result === 'running') return false;
    if (this.#restart !== undefined && this.restarts === 0) return false;
    if (this.bytes < LEAST_BYTES || this.coverage.faults < LEAST_FAULTS) {
      this.#planned.push({
        kind: KIND_STREAM,
        ...MORE_BYTES,
        waits: 'nobody',
        resets: 'nobody',
        resetAfterBytes: 0,
        slow: 'nobody',
        dialCode: '',
        dialMs: 5,
      });
      this.#openPlanned();
      return false;
    }
    for (const { applications } of this.nodes) {
      for (const application of applications.values()) if (application.result === 'running') return false;
    }
    return this.client.inspect().length === 0 && this.nodes.every(({ engine }) => engine.inspect().length === 0);
  }

  #associate(packet: PacketValue): NodeSide {
    const engine = this.#table.associate('key', packet, this.clock.now);
    if (engine === undefined) throw new Error('the node takes no client');
    let side = this.nodes.find((known) => known.engine === engine);
    if (side === undefined) {
      side = { engine, plans: this.#plansOf.get(packet.cid.join())!, applications: new Map(), opens: new Set() };
      this.nodes.push(side);
    }
    return side;
  }

  #restartNode(): void {
    this.fault('node-restart');
    this.restarts++;
    const answers = [...this.answers.values()];
    this.answers.clear();
    this.nodes = [];
    this.#table = this.#newTable();
    for (const answer of answers) answer(undefined);
    for (const link of this.links.values()) if (link instanceof OrderedLink) link.cut();
    this.pump();
  }

  #restartClient(): void {
    this.fault('client-restart');
    this.restarts++;
    for (const application of this.clients.values()) if (application.result === 'running') application.result = 'cut';
    this.clients = new Map();
    this.client = this.#newClient();
    for (const link of this.links.values()) if (link instanceof OrderedLink) link.cut();
    this.#planned = makePlans(this.random);
    this.#openPlanned();
    this.pump();
  }

  #newClient(): ClientEngine {
    const cid = this.random.bytes(16);
    this.#plans = new Map();
    this.#plansOf.set(cid.join(), this.#plans);
    const client = new ClientEngine(cid, SIM_OPTIONS);
    for (const link of this.links.values()) client.addPath(link.id, link.options);
    return client;
  }

  #newTable(): AssociationTable {
    return new AssociationTable(this.random.bytes(8), SIM_OPTIONS);
  }

  #describe(): string {
    const ends = [this.client, ...this.nodes.map(({ engine }) => engine)];
    return JSON.stringify(ends.map((engine) => ({ deadlines: engine.deadlines(), streams: engine.inspect() })));
  }
}
