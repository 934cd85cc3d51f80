import { TargetFlow } from '../streams/target-flow.js';
import type { Batch } from './batch.js';
import { drainReply } from './drain.js';
import { decodePayload } from './payload.js';
import type { PlannedOp } from './plan.js';
import { unknownSid } from './replies.js';

/** `udp_data`: sends one datagram, or none, and hands over those that came. */
export function runUdpData(batch: Batch, item: PlannedOp): void {
  const { op, index, closesLater } = item;
  const entry = batch.find(op.sid!);
  const flow = entry?.channel;
  if (entry === undefined || !(flow instanceof TargetFlow)) return batch.answer(index, unknownSid(op));
  const payload = decodePayload(op);
  if (payload !== undefined) {
    flow.send(payload);
    batch.tally.bytesUp += payload.length;
  }
  if (payload === undefined && !closesLater) return batch.drainAtEnd(item, entry);
  batch.task(item, payload !== undefined, async () => {
    if (payload !== undefined && !closesLater) {
      await batch.wait.until(() => flow.readable || batch.aborted, batch.options.activeDrainMs);
    }
    if (closesLater) batch.answer(index, drainReply(batch, entry, op));
    else batch.drainAtEnd(item, entry);
  });
}
