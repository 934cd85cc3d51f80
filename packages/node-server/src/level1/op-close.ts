import type { Batch } from './batch.js';
import type { PlannedOp } from './plan.js';
import { closedReply } from './replies.js';

/** `close`: after what the same batch did with the stream before it. */
export function runClose(batch: Batch, item: PlannedOp): void {
  const { op } = item;
  const sid = op.sid!;
  const before = batch.tasksOf(sid);
  batch.task(item, true, async () => {
    await before;
    const entry = batch.options.table.get(sid);
    if (entry !== undefined) batch.options.table.close(entry);
    batch.answer(item.index, closedReply(op));
  });
}
