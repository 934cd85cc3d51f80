import type { PathOptions } from '../options.js';
import type { PacketValue } from '../packet.js';
import { LOSSY_FAULTS, RELAY_FAULTS, type Fault } from './faults.js';
import type { World } from './world.js';

/** A way between client and node. */
export interface Link {
  readonly id: string;
  readonly options: PathOptions;
  /** The client sends. */
  fromClient(packet: PacketValue): void;
  /** The node sends; only on unpaired links. */
  fromNode(packet: PacketValue): void;
}

interface LinkShape {
  id: string;
  options: PathOptions;
  delayMs: number;
  faultRate: number;
  slow: boolean;
}

/** An HTTP relay: requests and responses in pairs, each leg with its delay, each exchange perhaps with a fault. */
export class RelayLink implements Link {
  readonly id: string;
  readonly options: PathOptions;
  readonly #shape: LinkShape;
  readonly #world: World;

  constructor(shape: LinkShape, world: World) {
    this.id = shape.id;
    this.options = shape.options;
    this.#shape = shape;
    this.#world = world;
  }

  fromClient(packet: PacketValue): void {
    const world = this.#world;
    const { random } = world;
    if (this.#shape.slow) world.fault('slow-relay');
    const fault = random.chance(this.#shape.faultRate) ? random.pick(RELAY_FAULTS) : undefined;
    if (fault !== undefined) world.fault(fault);
    const there = this.#delay(fault === 'reordered');
    const before = fault === 'request-lost' || fault === 'request-refused' || fault === 'quota';
    if (before || (fault === 'request-reset' && random.chance(0.5))) {
      if (fault === 'quota') world.quota(this.id, random.between(500, 5000));
      if (fault !== 'request-lost') this.#fail(packet, there, fault === 'request-reset');
      return;
    }
    const answer = (response: PacketValue | undefined) => this.#answer(packet, response, fault);
    world.clock.after(there, () => world.request(packet, answer));
    if (fault === 'doubled') world.clock.after(there + this.#delay(true), () => world.request(packet, answer));
  }

  fromNode(): void {
    throw new Error('a relay carries answers only');
  }

  #answer(request: PacketValue, response: PacketValue | undefined, fault: Fault | undefined): void {
    const { clock, random } = this.#world;
    const back = this.#delay(false);
    if (response === undefined) return this.#fail(request, back, true);
    switch (fault) {
      case 'response-lost':
        return;
      case 'request-reset':
      case 'response-empty':
      case 'response-truncated':
      case 'response-html':
        return this.#fail(request, back, true);
      case 'doubled':
        // A relay that repeats a request usually hands back one of the answers only.
        if (random.chance(0.4)) return;
        break;
      default:
        break;
    }
    const late = fault === 'delayed' ? random.between(5000, 60_000) : 0;
    clock.after(back + late, () => this.#world.toClient(this.id, response));
  }

  #fail(request: PacketValue, delayMs: number, sent: boolean): void {
    this.#world.clock.after(delayMs, () => this.#world.failed(this.id, request.n, sent));
  }

  #delay(spread: boolean): number {
    const { delayMs } = this.#shape;
    return this.#world.random.between(delayMs * 0.8, delayMs * (spread ? 4 : 1.2));
  }
}

/** UDP: packets either way, lost, doubled, late, in any order. */
export class LossyLink implements Link {
  readonly id: string;
  readonly options: PathOptions;
  readonly #shape: LinkShape;
  readonly #world: World;

  constructor(shape: LinkShape, world: World) {
    this.id = shape.id;
    this.options = shape.options;
    this.#shape = shape;
    this.#world = world;
  }

  fromClient(packet: PacketValue): void {
    this.#carry(() => this.#world.toNode(this.id, packet));
  }

  fromNode(packet: PacketValue): void {
    this.#carry(() => this.#world.toClient(this.id, packet));
  }

  #carry(deliver: () => void): void {
    const { random, clock } = this.#world;
    const { delayMs } = this.#shape;
    const fault = random.chance(this.#shape.faultRate) ? random.pick(LOSSY_FAULTS) : undefined;
    if (fault !== undefined) this.#world.fault(fault);
    if (fault === 'packet-lost') return;
    let delay = random.between(delayMs * 0.95, delayMs * 1.05);
    if (fault === 'packet-reordered') delay += random.between(0, delayMs * 2);
    if (fault === 'packet-delayed') delay += random.between(1000, 20_000);
    clock.after(delay, deliver);
    if (fault === 'packet-doubled') clock.after(delay + random.between(0, delayMs), deliver);
  }
}

/** A websocket: packets either way, in order, until the connection is cut and made anew. */
export class OrderedLink implements Link {
  readonly id: string;
  readonly options: PathOptions;
  readonly #shape: LinkShape;
  readonly #world: World;
  #connection = 0;
  #up = true;
  #lastUp = 0;
  #lastDown = 0;

  constructor(shape: LinkShape, world: World) {
    this.id = shape.id;
    this.options = shape.options;
    this.#shape = shape;
    this.#world = world;
  }

  fromClient(packet: PacketValue): void {
    const { clock } = this.#world;
    this.#disturb();
    if (!this.#up) return;
    this.#lastUp = Math.max(this.#lastUp, clock.now + this.#shape.delayMs);
    this.#carry(this.#lastUp - clock.now, () => this.#world.toNode(this.id, packet));
  }

  fromNode(packet: PacketValue): void {
    const { clock } = this.#world;
    if (!this.#up) return;
    this.#lastDown = Math.max(this.#lastDown, clock.now + this.#shape.delayMs);
    this.#carry(this.#lastDown - clock.now, () => this.#world.toClient(this.id, packet));
  }

  /** The connection ends; another one is made after a while. */
  cut(): void {
    if (!this.#up) return;
    const { clock, random } = this.#world;
    this.#up = false;
    this.#connection++;
    // Not within the engine's own call: a carrier tells of it in an event of its own.
    clock.after(0, () => this.#world.pathDown(this.id));
    clock.after(random.between(50, 3000), () => {
      this.#up = true;
      this.#lastUp = this.#lastDown = clock.now;
      this.#world.pathUp(this);
    });
  }

  #disturb(): void {
    const { random, clock } = this.#world;
    if (!random.chance(this.#shape.faultRate)) return;
    if (random.chance(0.3)) {
      this.#world.fault('connection-cut');
      this.cut();
    } else {
      this.#world.fault('connection-stalled');
      this.#lastUp = Math.max(this.#lastUp, clock.now) + random.between(100, 3000);
      this.#lastDown = Math.max(this.#lastDown, clock.now) + random.between(100, 3000);
    }
  }

  #carry(delayMs: number, deliver: () => void): void {
    const connection = this.#connection;
    this.#world.clock.after(delayMs, () => {
      if (connection === this.#connection) deliver();
    });
  }
}
