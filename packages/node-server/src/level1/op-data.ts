import type { TunnelResponse } from '@millrace/protocol';
import { NodeError } from '../errors.js';
import type { Entry } from '../streams/table.js';
import { TargetStream } from '../streams/target-stream.js';
import type { Batch } from './batch.js';
import { drainReply } from './drain.js';
import { decodePayload } from './payload.js';
import type { PlannedOp } from './plan.js';
import { errorReply, unknownSid } from './replies.js';
import { settle } from './settle.js';

/** A `data` op whose stream is known. */
interface DataOp {
  readonly item: PlannedOp;
  readonly entry: Entry;
  readonly stream: TargetStream;
  /** Undefined for a poll. */
  readonly payload: Buffer | undefined;
}

/** `data`: writes, then drains; without bytes it polls. With `seq` both happen in its turn, else at once and at the end. */
export function runData(batch: Batch, item: PlannedOp): void {
  const { op, index } = item;
  const entry = batch.find(op.sid!);
  const stream = entry?.channel;
  if (entry === undefined || !(stream instanceof TargetStream)) return batch.answer(index, unknownSid(op));
  // Before the turn is asked for: an op that cannot be decoded uses up no number.
  const data: DataOp = { item, entry, stream, payload: decodePayload(op) };
  if (op.seq === undefined) runPlain(batch, data);
  else runOrdered(batch, data, op.seq);
}

function runPlain(batch: Batch, data: DataOp): void {
  const { item, entry, stream, payload } = data;
  if (payload === undefined && !item.closesLater) return batch.drainAtEnd(item, entry);
  batch.task(item, payload !== undefined, async () => {
    if (payload !== undefined) {
      const failure = await write(batch, data, item.op.wseq);
      if (failure !== undefined) return batch.answer(item.index, failure);
      if (!item.closesLater)
        await batch.wait.until(() => stream.readable || batch.aborted, batch.options.activeDrainMs);
    }
    if (item.closesLater) batch.answer(item.index, drainReply(batch, entry, item.op));
    else batch.drainAtEnd(item, entry);
  });
}

function runOrdered(batch: Batch, data: DataOp, seq: number): void {
  const { item, stream, payload } = data;
  const lane = batch.lanes.of(stream).seq;
  const entered = lane.enter(seq, () => payload !== undefined || item.closesLater || batch.inHurry());
  if (entered === 'repeated') throw new NodeError('SEQ_REPEATED', `seq ${seq} came before`);
  if (entered === 'full') throw new NodeError('QUEUE_FULL', `too many ops wait for seq ${lane.expected}`);
  batch.task(item, payload !== undefined, async () => {
    if (!(await batch.awaitTurn(stream, seq))) {
      const late = new NodeError(
        'SEQ_TIMEOUT',
        `seq ${lane.expected} did not come within ${batch.options.seqWaitMs} ms`,
      );
      lane.leave(seq);
      return batch.answer(item.index, stream.closed ? unknownSid(item.op) : errorReply(item.op, late));
    }
    try {
      batch.answer(item.index, await runTurn(batch, data));
    } finally {
      lane.advance();
      stream.watchers.wake();
    }
  });
}

/** What an op does while it has the turn. */
async function runTurn(batch: Batch, data: DataOp): Promise<TunnelResponse> {
  const { item, entry, stream, payload } = data;
  const lane = batch.lanes.of(stream).seq;
  const giveWay = (): boolean => batch.aborted || lane.shouldGiveWay();
  if (payload !== undefined) {
    const failure = await write(batch, data, undefined);
    if (failure !== undefined) return failure;
  }
  // Who closes in the same batch asks for no answer.
  if (item.closesLater) return drainReply(batch, entry, item.op);
  if (payload !== undefined) {
    await batch.wait.until(() => stream.readable || giveWay(), batch.options.activeDrainMs);
    await settle(batch, [stream], giveWay);
  } else {
    const waitMs = batch.plan.active ? batch.options.activeDrainMs : undefined;
    await batch.wait.until(() => stream.readable || giveWay() || batch.inHurry(), waitMs);
  }
  return drainReply(batch, entry, item.op);
}

/**
 * Writes the op's bytes. Returns the reply when that failed and nothing is left to be told before: bytes that the target
 * sent before it reset the connection are handed over first, and its reset with the next op.
 */
async function write(batch: Batch, data: DataOp, wseq: number | undefined): Promise<TunnelResponse | undefined> {
  const { item, stream } = data;
  const payload = data.payload!;
  try {
    if (wseq === undefined) await stream.write(payload);
    else await batch.lanes.write(stream, wseq, payload);
    batch.tally.bytesUp += payload.length;
    return undefined;
  } catch (error) {
    if (stream.closed) return unknownSid(item.op);
    const toldLater = error === stream.failure && stream.failure?.code === 'TARGET_RESET' && stream.buffered > 0;
    return toldLater ? undefined : errorReply(item.op, error);
  }
}
