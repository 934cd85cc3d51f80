import { AssociationTable } from '../association-table.js';
import { ClientEngine } from '../client-engine.js';
import type { NodeEngine } from '../node-engine.js';
import { resolveStreamOptions, type StreamEngineOptions } from '../options.js';
import { memoryBound } from '../memory.js';
import { KIND_FLOW, KIND_STREAM, type PacketValue } from '../packet.js';
import { SimApplication, type StreamPlan } from './application.js';
import { Clock } from './clock.js';
import { Coverage, type Fault } from './faults.js';
import { OrderedLink, type Link } from './links.js';
import { makeLinks, makePlans, MORE_BYTES } from './plan.js';
import { Random } from './random.js';

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

interface NodeSide {
  engine: NodeEngine;
  /** The plans of its client's streams. */
  plans: Map<number, StreamPlan>;
  applications: Map<number, SimApplication>;
  opens: Set<number>;
}

/** One client, one node, several links, on a virtual clock; everything drawn from a seed, everything checked. */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly coverage = new Coverage();
  readonly links = new Map<string, Link>();
  readonly #resolved = resolveStreamOptions(SIM_OPTIONS);
  readonly #restart: 'node' | 'client' | undefined;
  #client: ClientEngine;
  #clients: Map<number, SimApplication> = new Map();
  #table: AssociationTable;
  #nodes: NodeSide[] = [];
  #answers = new Map<number, (response: PacketValue | undefined) => void>();
  #nextExchange = 0;
  #planned: StreamPlan[] = [];
  /** Plans travel beside the wire, by client and stream. */
  readonly #plansOf = new Map<string, Map<number, StreamPlan>>();
  #plans = new Map<number, StreamPlan>();
  #bytes = 0;
  #opened = 0;
  #restarts = 0;
  #opening = 0;
  packets = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.#restart = seed % 10 === 7 ? this.random.pick(['node', 'client'] as const) : undefined;
    for (const link of makeLinks(this, seed)) this.links.set(link.id, link);
    this.#client = this.#newClient();
    this.#table = this.#newTable();
    this.#planned = makePlans(this.random);
  }

  get bytes(): number {
    return this.#bytes;
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
    this.coverage.note(fault, [...this.#client.inspect(), ...this.#nodes.flatMap(({ engine }) => engine.inspect())]);
  }

  quota(path: string, forMs: number): void {
    this.#client.setGate(path, { blockedUntil: this.clock.now + forMs });
  }

  /** A request reaches the node. */
  request(packet: PacketValue, answer: (response: PacketValue | undefined) => void): void {
    const side = this.#associate(packet);
    const exchange = this.#nextExchange++;
    this.#answers.set(exchange, answer);
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
    this.#client.handlePacket(path, packet, this.clock.now);
    this.pump();
  }

  failed(path: string, n: number, sent: boolean): void {
    this.#client.exchangeFailed(path, n, this.clock.now, { sent });
    this.pump();
  }

  pathDown(path: string): void {
    this.#client.removePath(path, this.clock.now);
    for (const { engine } of this.#nodes) engine.removePath(path, this.clock.now);
    this.pump();
  }

  pathUp(link: Link): void {
    this.#client.addPath(link.id, link.options);
    this.pump();
  }

  /** Lets both ends say and do all they can now, and checks what must always hold. */
  pump = (): void => {
    this.#pumpClient();
    for (const side of this.#nodes) this.#pumpNode(side);
    const bound = memoryBound(this.#resolved, { streams: 64, exchanges: 64 });
    if (this.#client.bytesHeld() > bound) throw new Error('the client holds more than its bound');
    for (const { engine } of this.#nodes)
      if (engine.bytesHeld() > bound) throw new Error('the node holds more than its bound');
  };

  #step(): void {
    const engines = [this.#client, ...this.#nodes.map(({ engine }) => engine)];
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
      const side = this.#nodes.find(({ engine }) => engine === gone)!;
      this.#pumpNode(side);
      this.#nodes.splice(this.#nodes.indexOf(side), 1);
    }
    this.pump();
    for (const engine of engines) {
      if ((engine.pollTimeout() ?? Infinity) < now)
        throw new Error(`a deadline stays in the past: ${JSON.stringify(engine.deadlines())} at ${now}`);
    }
  }

  #pumpClient(): void {
    for (let more = true; more;) {
      more = false;
      for (let event = this.#client.pollEvent(); event !== undefined; event = this.#client.pollEvent()) {
        more = true;
        if (!('sid' in event)) continue;
        const application = this.#clients.get(event.sid);
        if (application === undefined) throw new Error(`event ${event.type} of unknown stream ${event.sid}`);
        switch (event.type) {
          case 'writable':
          case 'opened':
            application.write();
            break;
          case 'readable':
            application.readable(this.pump);
            break;
          case 'datagrams':
            application.readDatagrams();
            break;
          case 'closed':
            this.#endClean(application);
            break;
          case 'failed':
          case 'reset':
            this.#endCut(application, event.type, event.code);
            break;
          default:
            throw new Error(`event ${event.type} at the client`);
        }
      }
      for (let out = this.#client.pollTransmit(this.clock.now); out; out = this.#client.pollTransmit(this.clock.now)) {
        more = true;
        this.packets++;
        this.links.get(out.path)!.fromClient(out.packet);
      }
    }
  }

  #pumpNode(side: NodeSide): void {
    const { engine, applications } = side;
    for (let more = true; more;) {
      more = false;
      for (let event = engine.pollEvent(); event !== undefined; event = engine.pollEvent()) {
        more = true;
        if (event.type === 'open') this.#dial(side, event.sid);
        if (!('sid' in event)) continue;
        const application = applications.get(event.sid);
        if (event.type === 'writable') application?.write();
        if (event.type === 'readable') application?.readable(this.pump);
        if (event.type === 'datagrams') application?.readDatagrams();
        if (event.type === 'closed') this.#endClean(application!);
        if (event.type === 'reset') this.#endCut(application!, 'reset', event.code);
      }
      for (let out = engine.pollTransmit(this.clock.now); out; out = engine.pollTransmit(this.clock.now)) {
        more = true;
        this.packets++;
        if ('path' in out) this.links.get(out.path)!.fromNode(out.packet);
        else {
          const answer = this.#answers.get(out.exchange);
          if (answer === undefined) throw new Error('an exchange was answered twice');
          this.#answers.delete(out.exchange);
          answer(out.packet);
        }
      }
    }
  }

  #dial(side: NodeSide, sid: number): void {
    if (side.opens.has(sid)) throw new Error(`stream ${sid} was opened twice`);
    side.opens.add(sid);
    const plan = side.plans.get(sid)!;
    const application = new SimApplication(side.engine, sid, plan, 'node', this.clock, this.random);
    side.applications.set(sid, application);
    this.clock.after(plan.dialMs, () => {
      side.engine.dialed(sid, { code: plan.dialCode }, this.clock.now);
      if (plan.dialCode === '') {
        application.connected = true;
        application.write();
        application.readable(this.pump);
      } else if (application.result === 'running') application.result = 'cut';
      if (plan.kind === KIND_FLOW) this.#talk(application);
      this.pump();
    });
  }

  #sideOfClient(): NodeSide | undefined {
    return this.#nodes.at(-1);
  }

  #open(plan: StreamPlan): void {
    const target = { host: 'example.org', port: 443, kind: plan.kind };
    const sid = this.#client.open(target, this.clock.now);
    if (sid === undefined) throw new Error('the client opens no stream');
    this.#plans.set(sid, plan);
    this.#opened++;
    const application = new SimApplication(this.#client, sid, plan, 'client', this.clock, this.random);
    this.#clients.set(sid, application);
    application.write();
    if (plan.kind === KIND_FLOW) {
      this.#talk(application);
      this.clock.after(this.random.between(500, 3000), () => {
        if (application.result !== 'running') return;
        application.result = 'cut';
        this.#client.reset(sid, 'STREAM_CLOSED', this.clock.now);
        this.pump();
      });
    }
  }

  #talk(application: SimApplication): void {
    for (let index = 0; index < 10; index++) {
      this.clock.after(this.random.between(0, 2000), () => {
        if (application.result === 'running') application.sendDatagram();
        this.pump();
      });
    }
  }

  #openPlanned(): void {
    const client = this.#client;
    for (const plan of this.#planned.splice(0)) {
      this.#opening++;
      this.clock.after(this.random.between(0, 1500), () => {
        this.#opening--;
        if (client === this.#client) this.#open(plan);
        this.pump();
      });
    }
  }

  #endClean(application: SimApplication): void {
    const { plan, readBytes, inTotal, sid, end } = application;
    if (readBytes !== inTotal || !application.wroteAll)
      throw new Error(`stream ${sid} closed at the ${end} before its end`);
    if (plan.dialCode !== '') throw new Error(`stream ${sid} closed cleanly though its dial failed`);
    application.result = 'clean';
    if (end === 'client') this.#count(application);
  }

  #endCut(application: SimApplication, type: 'failed' | 'reset', code: string): void {
    const { plan, sid, end } = application;
    const planned = plan.resets !== 'nobody' || plan.dialCode !== '' || plan.kind === KIND_FLOW;
    if (!planned && this.#restarts === 0) throw new Error(`stream ${sid} was cut at the ${end}: ${type} ${code}`);
    if (end === 'client' && this.#restarts === 0 && plan.dialCode !== '' && code !== plan.dialCode) {
      throw new Error(`stream ${sid} failed with ${code} instead of ${plan.dialCode}`);
    }
    application.result = 'cut';
    if (end === 'client') this.#count(application);
  }

  #count(application: SimApplication): void {
    const other = this.#sideOfClient()?.applications.get(application.sid);
    this.#bytes += application.readBytes + (other?.readBytes ?? 0);
  }

  #finished(): boolean {
    if (this.#opening > 0 || this.#planned.length > 0) return false;
    for (const application of this.#clients.values()) if (application.result === 'running') return false;
    if (this.#restart !== undefined && this.#restarts === 0) return false;
    if (this.#bytes < LEAST_BYTES || this.coverage.faults < LEAST_FAULTS) {
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
    for (const { applications } of this.#nodes) {
      for (const application of applications.values()) if (application.result === 'running') return false;
    }
    return this.#client.inspect().length === 0 && this.#nodes.every(({ engine }) => engine.inspect().length === 0);
  }

  #associate(packet: PacketValue): NodeSide {
    const engine = this.#table.associate('key', packet, this.clock.now);
    if (engine === undefined) throw new Error('the node takes no client');
    let side = this.#nodes.find((known) => known.engine === engine);
    if (side === undefined) {
      side = { engine, plans: this.#plansOf.get(packet.cid.join())!, applications: new Map(), opens: new Set() };
      this.#nodes.push(side);
    }
    return side;
  }

  #restartNode(): void {
    this.fault('node-restart');
    this.#restarts++;
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    this.#nodes = [];
    this.#table = this.#newTable();
    for (const answer of answers) answer(undefined);
    for (const link of this.links.values()) if (link instanceof OrderedLink) link.cut();
    this.pump();
  }

  #restartClient(): void {
    this.fault('client-restart');
    this.#restarts++;
    for (const application of this.#clients.values()) if (application.result === 'running') application.result = 'cut';
    this.#clients = new Map();
    this.#client = this.#newClient();
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
    const ends = [this.#client, ...this.#nodes.map(({ engine }) => engine)];
    return JSON.stringify(ends.map((engine) => ({ deadlines: engine.deadlines(), streams: engine.inspect() })));
  }
}
