import type { ErrorCode } from '@millrace/protocol';
import type { NodeEngine } from '@millrace/protocol/stream';
import type { Clock } from '../clock.js';
import type { NodeLimits } from '../limits.js';

/** Bytes of payload that an association moved since they were told last. */
export interface Traffic {
  up: number;
  down: number;
}

/** What a stream or flow of level 2 uses of its association. */
export interface Link {
  readonly engine: NodeEngine;
  readonly sid: number;
  readonly clock: Clock;
  readonly limits: NodeLimits;
  readonly traffic: Traffic;
  /** The engine may have something to send now. */
  wake: () => void;
  /** The target's side has failed: `settle` is to be called whenever something of the association changed. */
  failing: (channel: { settle: () => void }) => void;
  /** The stream is to be reset and forgotten: its target failed, or the table cut it. */
  failed: (code: ErrorCode) => void;
}
