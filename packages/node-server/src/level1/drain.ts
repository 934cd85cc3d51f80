import { type BatchOp, encodeBase64, type TunnelResponse } from '@millrace/protocol';
import { TargetFlow } from '../streams/target-flow.js';
import { TargetStream } from '../streams/target-stream.js';
import type { Entry } from '../streams/table.js';
import type { Batch } from './batch.js';
import { bytesReply, datagramsReply, errorReply, unknownSid } from './replies.js';

/**
 * Takes what a stream or flow has, within the bounds of one drain and of the batch, and makes the op's reply of it. What
 * does not fit stays, and with it the end. Nothing is taken for a client that has gone.
 */
export function drainReply(batch: Batch, entry: Entry, op: BatchOp): TunnelResponse {
  const { channel } = entry;
  if (channel.closed) return unknownSid({ ...op, sid: entry.key });
  if (channel instanceof TargetStream) return drainStream(batch, entry.key, channel, op);
  if (channel instanceof TargetFlow) return drainFlow(batch, entry, channel);
  return unknownSid(op);
}

function drainStream(batch: Batch, sid: string, stream: TargetStream, op: BatchOp): TunnelResponse {
  const reserved = batch.budget.reserve(batch.aborted ? 0 : batch.options.limits.maxStreamDrainBytes);
  const bytes = stream.take(reserved);
  batch.budget.giveBack(reserved - bytes.length);
  if (bytes.length > 0) batch.tally.drained.add(stream);
  const empty = stream.buffered === 0;
  // What came before a failure is told before it.
  if (stream.failure !== undefined && !stream.ended && empty && bytes.length === 0) {
    return errorReply({ ...op, sid }, stream.failure);
  }
  return bytesReply(sid, bytes.length > 0 ? encodeBase64(bytes) : undefined, stream.ended && empty, op);
}

function drainFlow(batch: Batch, entry: Entry, flow: TargetFlow): TunnelResponse {
  const reserved = batch.budget.reserve(batch.aborted ? 0 : batch.options.limits.maxStreamDrainBytes);
  const datagrams = flow.take(reserved);
  batch.budget.giveBack(reserved - datagrams.reduce((sum, { length }) => sum + length, 0));
  const dropped = flow.takeDropped();
  if (dropped > 0) batch.options.events.emit({ event: 'dropped', id: entry.id, count: dropped, code: 'QUEUE_FULL' });
  return datagramsReply(
    entry.key,
    datagrams.map((datagram) => encodeBase64(datagram)),
  );
}
