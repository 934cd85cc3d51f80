import type { AbortLike, BatchOp, EventHub, MillraceEvent, SingleRequest, TunnelResponse } from '@millrace/protocol';
import type { InvalidOp } from '@millrace/protocol/level1';
import type { Clock } from '../clock.js';
import type { Egress } from '../egress/egress.js';
import { NodeError } from '../errors.js';
import type { NodeLimits } from '../limits.js';
import type { BytePool } from '../streams/byte-pool.js';
import type { StreamTable } from '../streams/table.js';
import { Batch, type BatchOutcome } from './batch.js';
import { StreamLanes } from './lanes.js';
import { planBatch } from './plan.js';
import { errorReply } from './replies.js';

/** The waits of level 1, in ms; `NodeConfig` says what each is. */
export interface Level1Times {
  activeDrainMs: number;
  longPollMs: number;
  settleStepMs: number;
  settleMaxMs: number;
  seqWaitMs: number;
}

/** What level 1 uses of the rest of the node. */
export interface Level1Options extends Level1Times {
  table: StreamTable;
  egress: Egress;
  pool: BytePool;
  clock: Clock;
  events: EventHub<MillraceEvent>;
  limits: NodeLimits;
  /** Random id of this node, for `version`. */
  nodeId: string;
  logTargets: boolean;
}

/** Runs the ops of level 1. Carriers bring them decoded and authenticated. */
export class Level1 {
  readonly #options: Level1Options;
  readonly #lanes: StreamLanes;

  constructor(options: Level1Options) {
    this.#options = options;
    this.#lanes = new StreamLanes(options.pool, options.limits);
  }

  /**
   * Runs a batch. Never rejects: what goes wrong is an error of that op. `signal` says that nobody waits for the answer any
   * more: ops still run, waits end, no bytes are taken. The caller says by `finished` whether the answer has left.
   */
  runBatch(ops: ReadonlyArray<BatchOp | InvalidOp>, signal: AbortLike): Promise<BatchOutcome> {
    return new Batch(this.#options, this.#lanes, planBatch(ops), signal).run();
  }

  /** Runs a single op by the same rules. */
  runSingle(request: SingleRequest, signal: AbortLike): Promise<BatchOutcome> {
    const { op, host, port, sid, data } = request;
    if (!SINGLE_OPS.has(op)) return Promise.resolve(unsupported({ op }));
    const batchOp: BatchOp = {
      op,
      ...(sid !== undefined && { sid }),
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
      ...(data !== undefined && { d: data }),
    };
    return this.runBatch([batchOp], signal);
  }
}

const SINGLE_OPS = new Set(['connect', 'connect_data', 'data', 'close']);

function unsupported(op: BatchOp): BatchOutcome {
  const reply: TunnelResponse = errorReply(op, new NodeError('UNSUPPORTED_OP', 'the node does not know this op here'));
  return { replies: [reply], finished: () => {} };
}
