import type { ClientEngine } from '../client-engine.js';
import type { NodeEngine } from '../node-engine.js';
import { KIND_FLOW, type PacketValue } from '../packet.js';
import { SimApplication, type StreamPlan } from './application.js';
import { Clock } from './clock.js';
import { Coverage } from './faults.js';
import type { Link } from './links.js';
import type { Random } from './random.js';

export interface NodeSide {
  engine: NodeEngine;
  /** The plans of its client's streams. */
  plans: Map<number, StreamPlan>;
  applications: Map<number, SimApplication>;
  opens: Set<number>;
}

/** Both ends with their applications: what they say and do, and whether every stream ends as it should. */
export abstract class WorldEnds {
  readonly clock = new Clock();
  readonly random: Random;
  readonly coverage = new Coverage();
  readonly links = new Map<string, Link>();
  /** Bytes that streams which ended have moved. */
  bytes = 0;
  packets = 0;
  protected abstract client: ClientEngine;
  protected clients: Map<number, SimApplication> = new Map();
  protected nodes: NodeSide[] = [];
  protected answers = new Map<number, (response: PacketValue | undefined) => void>();
  protected restarts = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Lets both ends say and do all they can now. */
  abstract pump: () => void;

  /** Lets the client say and do all it can now. */
  protected pumpClient(): void {
    for (let more = true; more;) {
      more = false;
      for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
        more = true;
        if (!('sid' in event)) continue;
        const application = this.clients.get(event.sid);
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
          case 'finished':
            if (!application.wroteAll) throw new Error(`stream ${event.sid} counts as sent before it was written`);
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
      for (let out = this.client.pollTransmit(this.clock.now); out; out = this.client.pollTransmit(this.clock.now)) {
        more = true;
        this.packets++;
        this.links.get(out.path)!.fromClient(out.packet);
      }
    }
  }

  /** The same for a node. */
  protected pumpNode(side: NodeSide): void {
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
          const answer = this.answers.get(out.exchange);
          if (answer === undefined) throw new Error('an exchange was answered twice');
          this.answers.delete(out.exchange);
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
      if (plan.kind === KIND_FLOW) this.talk(application);
      this.pump();
    });
  }

  protected sideOfClient(): NodeSide | undefined {
    return this.nodes.at(-1);
  }

  /** Sends datagrams for a while. */
  protected talk(application: SimApplication): void {
    for (let index = 0; index < 10; index++) {
      this.clock.after(this.random.between(0, 2000), () => {
        if (application.result === 'running') application.sendDatagram();
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
    if (end === 'client') this.count(application);
  }

  #endCut(application: SimApplication, type: 'failed' | 'reset', code: string): void {
    const { plan, sid, end } = application;
    const planned = plan.resets !== 'nobody' || plan.dialCode !== '' || plan.kind === KIND_FLOW;
    if (!planned && this.restarts === 0) throw new Error(`stream ${sid} was cut at the ${end}: ${type} ${code}`);
    if (end === 'client' && this.restarts === 0 && plan.dialCode !== '' && code !== plan.dialCode) {
      throw new Error(`stream ${sid} failed with ${code} instead of ${plan.dialCode}`);
    }
    application.result = 'cut';
    if (end === 'client') this.count(application);
  }

  protected count(application: SimApplication): void {
    const other = this.sideOfClient()?.applications.get(application.sid);
    this.bytes += application.readBytes + (other?.readBytes ?? 0);
  }
}
