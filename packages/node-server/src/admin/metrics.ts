import type { EventHub, MillraceEvent } from '@millrace/protocol';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What cannot be told from events: how much is held now. */
export interface Held {
  bufferedBytes: number;
  requestBytes: number;
  clients: number;
  held: number;
  level2Channels: number;
}

/** From a loopback to a far relay, in seconds. */
const SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a few bytes to what one batch may drain. */
const BYTES = [0, 256, 4_096, 65_536, 1_048_576, 4_194_304, 16_777_216, 33_554_432];

/**
 * The metrics of one node in a registry of their own, counted from its events and nothing else. Every label has a fixed set
 * of values: kinds, op names that this node knows, error codes.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #handlers: { [E in MillraceEvent['event']]?: (event: Extract<MillraceEvent, { event: E }>) => void };
  readonly #unsubscribe: () => void;

  constructor(events: EventHub<MillraceEvent>, held: () => Held) {
    const registers = [this.#registry];
    const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
      new Counter({ name: `millrace_${name}`, help, labelNames, registers });
    const histogram = <L extends string>(
      name: string,
      help: string,
      buckets: number[],
      ...labelNames: L[]
    ): Histogram<L> => new Histogram({ name: `millrace_${name}`, help, buckets, labelNames, registers });

    const open = new Gauge({
      name: 'millrace_open',
      help: 'Streams and flows open now',
      labelNames: ['kind'],
      registers,
    });
    const opens = counter('opens_total', 'Streams and flows asked for', 'kind');
    const openFailures = counter('open_failures_total', 'Opens that failed, by cause', 'kind', 'code');
    const closes = counter(
      'closes_total',
      'Streams and flows that ended, by cause; "ok" is a clean end',
      'kind',
      'code',
    );
    const ops = counter('ops_total', 'Ops run', 'op');
    const bytes = counter('payload_bytes_total', 'Payload carried: up is towards targets', 'direction');
    const batchSeconds = histogram('batch_seconds', 'Time from a batch to its answer, waits included', SECONDS);
    const drainBytes = histogram('batch_drain_bytes', 'Payload bytes drained by one batch', BYTES);
    const dials = counter('dials_total', 'Dials by result', 'result');
    const dialSeconds = histogram('dial_seconds', 'Time of a dial, name included', SECONDS, 'result');
    const refusals = counter('refusals_total', 'Requests refused, by cause', 'code');
    const dropped = counter('dropped_datagrams_total', 'Datagrams dropped, by cause', 'code');
    const exchanges = counter('exchanges_total', 'Exchanges of level 2 that were answered');
    const exchangeSeconds = histogram('exchange_seconds', 'Time for which an exchange of level 2 was held', SECONDS);
    const answerBytes = counter('answer_bytes_total', 'Bytes of answers of level 2');
    const forgotten = counter('clients_forgotten_total', 'Clients of level 2 that were forgotten');
    for (const [name, [metric, help]] of Object.entries(HELD)) {
      const gauge: Gauge = new Gauge({
        name: `millrace_${metric}`,
        help,
        registers,
        collect: () => gauge.set(held()[name as keyof Held]),
      });
    }
    for (const kind of ['stream', 'flow']) open.set({ kind }, 0);

    this.#handlers = {
      open: ({ kind }) => opens.inc({ kind }),
      opened: ({ kind }) => open.inc({ kind }),
      'open-failed': ({ kind, code }) => openFailures.inc({ kind, code }),
      closed: ({ kind, code }) => {
        open.dec({ kind });
        closes.inc({ kind, code: code ?? 'ok' });
      },
      batch: ({ kinds, bytesUp, bytesDown, ms }) => {
        for (const { op, count } of kinds) ops.inc({ op }, count);
        bytes.inc({ direction: 'up' }, bytesUp);
        bytes.inc({ direction: 'down' }, bytesDown);
        batchSeconds.observe(ms / 1_000);
        drainBytes.observe(bytesDown);
      },
      answered: ({ bytesUp, bytesDown, bodyBytes, ms }) => {
        exchanges.inc();
        answerBytes.inc(bodyBytes);
        bytes.inc({ direction: 'up' }, bytesUp);
        bytes.inc({ direction: 'down' }, bytesDown);
        exchangeSeconds.observe(ms / 1_000);
      },
      'client-forgotten': () => forgotten.inc(),
      dial: ({ result, ms }) => {
        dials.inc({ result });
        dialSeconds.observe({ result }, ms / 1_000);
      },
      refused: ({ code }) => refusals.inc({ code }),
      dropped: ({ code, count }) => dropped.inc({ code }, count),
    };
    this.#unsubscribe = events.subscribe((event) => this.#count(event));
  }

  /** Content type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Stops counting. */
  close(): void {
    this.#unsubscribe();
    this.#registry.clear();
  }

  #count(event: MillraceEvent): void {
    (this.#handlers[event.event] as ((event: MillraceEvent) => void) | undefined)?.(event);
  }
}

const HELD: Readonly<Record<keyof Held, readonly [metric: string, help: string]>> = {
  bufferedBytes: ['buffered_bytes', 'Bytes held for clients and targets'],
  requestBytes: ['request_bytes', 'Bytes of request bodies being read or run'],
  clients: ['clients', 'Clients of level 2'],
  held: ['held_exchanges', 'Exchanges of level 2 whose answer is owed'],
  level2Channels: ['level2_open', 'Of the streams and flows open now, those of level 2'],
};
