import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { LIMITS } from '@millrace/protocol';
import type { NodeAnswer } from '../fault-relay/types.js';
import { answerOf, isText, nodeDown, notText, relayError, type Answer } from './answers.js';
import type { Lines } from './ceiling.js';
import { NotTaken, type Exchange } from './exchange.js';
import { forward } from './forward.js';
import { until } from './line.js';
import type { ResolvedSettings } from './options.js';
import { Overtaking } from './overtaking.js';
import type { CountedFault } from './types.js';

const FORWARD_PATH = '/tunnel/batch';

/** What the node's side needs of the simulator. */
export interface NodeSideOptions {
  readonly node: string;
  readonly settings: ResolvedSettings;
  readonly lines: Pick<Lines, 'nodeUp' | 'nodeDown'>;
  /** Counts bytes that are kept for an exchange. Throws NotTaken. */
  readonly take: (exchange: Exchange, bytes: number) => void;
  readonly onFault: (fault: CountedFault, exchange: Exchange) => void;
}

/** The way from the relay to its node, and what happens on it. */
export class NodeSide {
  readonly #options: NodeSideOptions;
  readonly #address: URL;
  readonly #agent: Agent;
  readonly #overtaking = new Overtaking();

  constructor(options: NodeSideOptions) {
    this.#options = options;
    this.#address = new URL(FORWARD_PATH, options.node);
    const keep = { keepAlive: true, noDelay: true };
    this.#agent = this.#address.protocol === 'https:' ? new SecureAgent(keep) : new Agent(keep);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** What the relay has to say of the node's answer. Rejects where the client or the simulator is gone. */
  async ask(exchange: Exchange, body: Buffer): Promise<Answer> {
    const { textOnly, reorderMs } = this.#options.settings;
    const { fault, late, lets } = exchange.decision;
    if (fault === 'requestRefused') return nodeDown(textOnly);
    // What is late, or run by a script, goes on when the client has given up.
    const signal = textOnly || fault === 'late' || fault === 'doubled' ? exchange.closing : exchange.gone;
    if (fault === 'late' || fault === 'reordered' || fault === 'doubled') this.#options.onFault(fault, exchange);
    if (fault === 'late' && late.at === 'request') await until(performance.now() + late.ms, signal);
    if (fault === 'reordered') await this.#overtaking.letPass(lets, reorderMs, signal);
    else this.#overtaking.pass();
    let reply: NodeAnswer;
    try {
      reply = await (fault === 'doubled' ? this.#twice(exchange, body, signal) : this.#forward(exchange, body, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      this.#options.onFault('nodeFailed', exchange);
      const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      if (textOnly || refused) return nodeDown(textOnly);
      return relayError('RELAY_TRUNCATED', 'the node got the request, and the connection ended before its answer');
    }
    if (fault === 'late' && late.at === 'response') await until(performance.now() + late.ms, signal);
    if (!textOnly) return answerOf(reply.status, reply.contentType || 'application/octet-stream', reply.body);
    if (isText(reply.body)) return answerOf(200, 'text/plain; charset=utf-8', reply.body);
    this.#options.onFault('notText', exchange);
    return notText();
  }

  /** Asks twice, and gives the answer that was decided on as soon as it is there. */
  #twice(exchange: Exchange, body: Buffer, signal: AbortSignal): Promise<NodeAnswer> {
    const { gapMs, answer } = exchange.decision.double;
    const first = this.#forward(exchange, body, signal);
    const second = until(performance.now() + gapMs, signal).then(() => this.#forward(exchange, body, signal));
    const [chosen, other] = answer === 'first' ? [first, second] : [second, first];
    exchange.goesOn(other);
    return chosen;
  }

  #forward(exchange: Exchange, body: Buffer, signal: AbortSignal): Promise<NodeAnswer> {
    const { settings, lines, take } = this.#options;
    const { nodeUp, nodeDown: nodeDownDraw } = exchange.decision.delays;
    const contentType = settings.textOnly
      ? 'text/plain; charset=utf-8'
      : (exchange.request.headers['content-type'] ?? 'application/octet-stream');
    let size = 0;
    return forward(this.#agent, this.#address, body, contentType, signal, {
      up: { line: lines.nodeUp, draw: nodeUp },
      down: { line: lines.nodeDown, draw: nodeDownDraw },
      take: (bytes) => {
        size += bytes;
        if (size > LIMITS.maxBodyBytes) throw new NotTaken('tooLarge');
        take(exchange, bytes);
      },
    });
  }
}
