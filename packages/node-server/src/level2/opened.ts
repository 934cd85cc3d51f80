import { randomUUID } from 'node:crypto';
import { AbortFlag, type ErrorCode, type EventHub, formatHostPort, type MillraceEvent } from '@millrace/protocol';
import { KIND_FLOW, KIND_STREAM } from '@millrace/protocol/stream';
import type { Egress } from '../egress/egress.js';
import type { Clock } from '../clock.js';
import { codeOf, NodeError } from '../errors.js';
import type { NodeLimits } from '../limits.js';
import type { Entry, StreamTable } from '../streams/table.js';
import type { Link } from './link.js';
import { FlowLink } from './flow-link.js';
import type { PinnedBodies } from './pinned-bodies.js';
import { TargetLink } from './target-link.js';

/** What opening a stream or flow takes. */
export interface OpenContext {
  table: StreamTable;
  egress: Egress;
  clock: Clock;
  limits: NodeLimits;
  pins: PinnedBodies;
  events: EventHub<MillraceEvent>;
  logTargets: boolean;
}

/** What a client wants to reach. */
export interface Target {
  host: string;
  port: number;
  kind: number;
}

/** A stream or flow of a client from its open on: first a dial, then a channel in the table. */
export class Opened {
  readonly #context: OpenContext;
  readonly #link: Link;
  readonly #dial = new AbortFlag();
  #entry: Entry<TargetLink | FlowLink> | undefined;

  constructor(context: OpenContext, link: Link) {
    this.#context = context;
    this.#link = link;
  }

  /** Its channel; none while it is being opened. */
  get channel(): TargetLink | FlowLink | undefined {
    return this.#entry?.channel;
  }

  /** Opens it. Gives the code of a failure, or nothing. Never rejects. */
  async open(target: Target): Promise<ErrorCode | ''> {
    const { table } = this.#context;
    try {
      const entry = await (target.kind === KIND_FLOW ? this.#openFlow(target) : this.#openStream(target));
      // It lives as long as its client.
      table.use(entry);
      this.#entry = entry;
      // Reset while it was being dialled: nobody will ever use it.
      if (this.#dial.aborted) this.end('ABORTED');
      return '';
    } catch (error) {
      return codeOf(error);
    }
  }

  /** The engine has bytes or datagrams for the target. */
  sendUp(): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    entry.channel.sendUp();
    this.#tellDropped(entry);
  }

  /** The engine takes bytes again. */
  sendDown(): void {
    this.#entry?.channel.sendDown();
  }

  /** Both directions ended. */
  close(): void {
    if (this.#entry !== undefined) this.#context.table.close(this.#entry);
  }

  /** Cuts it, or gives up its dial; the engine knows already. */
  end(code: ErrorCode): void {
    if (this.#entry === undefined) return this.#dial.abort();
    this.#tellDropped(this.#entry);
    this.#context.table.cut(this.#entry, code);
  }

  #tellDropped({ id, channel }: Entry<TargetLink | FlowLink>): void {
    if (channel.kind === 'stream') return;
    for (const { code, count } of channel.takeDropped()) {
      this.#context.events.emit({ event: 'dropped', id, code, count });
    }
  }

  #openStream({ host, port, kind }: Target): Promise<Entry<TargetLink>> {
    const { table, egress, pins } = this.#context;
    return table.open(randomUUID(), 'stream', this.#named(host, port), async () => {
      if (kind !== KIND_STREAM) throw new NodeError('UNSUPPORTED_OP', 'the node does not know this kind of stream');
      return new TargetLink(await egress.connect(host, port, this.#dial), this.#link, pins);
    });
  }

  #openFlow({ host, port }: Target): Promise<Entry<FlowLink>> {
    const { table, egress } = this.#context;
    return table.open(randomUUID(), 'flow', this.#named(host, port), async () => {
      return new FlowLink({ host, port }, egress.datagrams(), this.#link);
    });
  }

  #named(host: string, port: number): string | undefined {
    return this.#context.logTargets ? formatHostPort(host, port) : undefined;
  }
}
