import type { AbortLike } from '@millrace/protocol';

/** Runs `listener` when `signal` aborts, at once if it already has. Returns how to stop listening. */
export function onAbort(signal: AbortLike | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}
