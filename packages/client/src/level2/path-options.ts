/** What the engine must know of a relay. */
import type { PathOptions } from '@millrace/protocol/stream';
import { TOKEN_BYTES } from '@millrace/protocol/level2';
import type { Relay } from '../carriers/relay.js';
import type { Form } from './exchange.js';

/** The byte that tells what a body is. */
const FORM_BYTES = 1;

/** The path that a relay is. Sizes are of packets: without what bodies add, and what base64 takes. */
export function pathOptions({ entry, account }: Relay, form: Form, startHoldMs: number | undefined): PathOptions {
  return {
    paired: true,
    maxRequestBytes: carried(entry.maxRequestBytes, form) - FORM_BYTES - TOKEN_BYTES,
    maxResponseBytes: carried(entry.maxResponseBytes, form) - FORM_BYTES,
    holdMs: entry.holdMs,
    ...(startHoldMs === undefined ? {} : { startHoldMs }),
    concurrency: account.maxConcurrent,
  };
}

/** Bytes that a body of `bodyBytes` stands for. */
function carried(bodyBytes: number, form: Form): number {
  return form === 'bytes' ? bodyBytes : Math.floor(bodyBytes / 4) * 3;
}
