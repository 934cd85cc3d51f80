import type { NodeError } from '../errors.js';
import type { Watchers } from './watchers.js';

/** What streams and flows have in common for the table, the levels and the admin page. */
export interface Channel {
  readonly kind: 'stream' | 'flow';
  /** Who waits for something new. */
  readonly watchers: Watchers;
  /** Bytes accepted towards the target. */
  readonly bytesUp: number;
  /** Bytes that came from the target. */
  readonly bytesDown: number;
  /** Why nothing can be sent or received any more. A clean end is none. */
  readonly failure: NodeError | undefined;
  /** There is something to tell: bytes, an end, a failure; or it was closed here. */
  readonly readable: boolean;
  /** Closed here: nobody may use it any more. */
  readonly closed: boolean;
  /** When it was last used, by the clock. What counts as use is the kind's business. */
  usedAt: number;
  /** Ends it in order: what was accepted still reaches the target. Resolves when the socket is gone. */
  close(): Promise<void>;
  /** Ends it at once; the target of a stream sees a reset. Resolves when the socket is gone. */
  cut(): Promise<void>;
}
