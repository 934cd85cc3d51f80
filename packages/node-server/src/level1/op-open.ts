import { randomUUID } from 'node:crypto';
import { formatHostPort } from '@millrace/protocol';
import type { Entry } from '../streams/table.js';
import { TargetFlow } from '../streams/target-flow.js';
import { TargetStream } from '../streams/target-stream.js';
import type { Batch } from './batch.js';
import { decodePayload } from './payload.js';
import type { PlannedOp } from './plan.js';
import { LEVEL1_CAPS } from './replies.js';

/** `connect`, `connect_data` and `udp_open`: the ops that dial. The last two send first bytes and hand over what comes back soon. */
export function runOpen(batch: Batch, item: PlannedOp): void {
  const { op } = item;
  // Before the dial: an op that is wrong in itself leaves no trace.
  const payload = op.op === 'connect' ? undefined : decodePayload(op);
  batch.task(item, true, async () => {
    const entry = op.op === 'udp_open' ? await openFlow(batch, item) : await openStream(batch, item);
    batch.opened(entry);
    const { channel } = entry;
    if (op.op === 'connect') {
      batch.answer(item.index, { sid: entry.key, eof: false, caps: LEVEL1_CAPS });
      return;
    }
    if (payload !== undefined) await send(batch, entry, payload);
    if (payload !== undefined || op.op === 'connect_data') {
      await batch.wait.until(() => channel.readable || batch.aborted, batch.options.activeDrainMs);
    }
    batch.drainAtEnd(item, entry, op.op === 'connect_data' ? { caps: LEVEL1_CAPS } : {});
  });
}

function openStream(batch: Batch, { op }: PlannedOp): Promise<Entry<TargetStream>> {
  const { table, egress, pool, clock, limits } = batch.options;
  return table.open(randomUUID(), 'stream', target(batch, op), async () => {
    const socket = await egress.connect(op.host!, op.port!, batch.signal);
    return new TargetStream(socket, { pool, clock, limits });
  });
}

function openFlow(batch: Batch, { op }: PlannedOp): Promise<Entry<TargetFlow>> {
  const { table, egress, pool, clock, limits } = batch.options;
  return table.open(randomUUID(), 'flow', target(batch, op), async () => {
    const { socket, check } = await egress.openFlow(op.host!, op.port!, batch.signal);
    return new TargetFlow(socket, { pool, clock, limits, check });
  });
}

/** First bytes. Where they cannot be sent the op fails as a whole, since its client never hears of the stream. */
async function send(batch: Batch, entry: Entry<TargetStream> | Entry<TargetFlow>, payload: Buffer): Promise<void> {
  const { channel } = entry;
  try {
    if (channel instanceof TargetStream) await channel.write(payload);
    else channel.send(payload);
  } catch (error) {
    batch.options.table.cut(entry, 'ABORTED');
    throw error;
  }
  batch.tally.bytesUp += payload.length;
}

const target = (batch: Batch, { host, port }: PlannedOp['op']): string | undefined =>
  batch.options.logTargets ? formatHostPort(host!, port!) : undefined;
