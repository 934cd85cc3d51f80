import type { BatchOp } from '@millrace/protocol';
import type { InvalidOp } from '@millrace/protocol/level1';

/** An op of a batch, with what its neighbours mean for it. */
export interface PlannedOp {
  /** Its place, which is its reply's. */
  readonly index: number;
  readonly op: BatchOp;
  /** The same batch closes its stream after it: it is answered before that, with what there is. */
  readonly closesLater: boolean;
  /** The same batch closes its stream before it: for this op the stream is not known any more. */
  readonly closedBefore: boolean;
}

/** A batch as its run sees it. */
export interface Plan {
  readonly ops: readonly PlannedOp[];
  readonly invalid: ReadonlyArray<{ readonly index: number; readonly op: InvalidOp }>;
  /** Some op writes, opens or closes: no poll beside it waits long. */
  readonly active: boolean;
}

/** Ops that have bytes to write. */
export const hasBytes = (op: BatchOp): boolean => op.d !== undefined && op.d !== '';

/** Reads a batch once from front to back. */
export function planBatch(ops: ReadonlyArray<BatchOp | InvalidOp>): Plan {
  const lastClose = new Map<string, number>();
  ops.forEach((op, index) => {
    if (isClose(op)) lastClose.set(op.sid!, index);
  });
  const planned: PlannedOp[] = [];
  const invalid: Array<{ index: number; op: InvalidOp }> = [];
  const closed = new Set<string>();
  ops.forEach((op, index) => {
    if ('invalid' in op) {
      invalid.push({ index, op });
      return;
    }
    const { sid } = op;
    const closesLater = sid !== undefined && index < (lastClose.get(sid) ?? -1);
    planned.push({ index, op, closesLater, closedBefore: sid !== undefined && closed.has(sid) });
    if (isClose(op)) closed.add(sid!);
  });
  return { ops: planned, invalid, active: planned.some(({ op }) => isActive(op)) };
}

const isClose = (op: BatchOp | InvalidOp): op is BatchOp =>
  !('invalid' in op) && op.op === 'close' && op.sid !== undefined;

function isActive(op: BatchOp): boolean {
  switch (op.op) {
    case 'connect':
    case 'connect_data':
    case 'udp_open':
    case 'close':
      return true;
    case 'data':
    case 'udp_data':
      return hasBytes(op);
    default:
      return false;
  }
}
