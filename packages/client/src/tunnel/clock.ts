/** A timer that does not keep a process alive. Universal: where timers are plain numbers there is nothing to let go of. */
export type Timer = ReturnType<typeof setTimeout>;

/** `setTimeout` for chores: housekeeping that nobody waits for. */
export function choreTimer(run: () => void, ms: number): Timer {
  const timer: Timer | number = setTimeout(run, ms);
  if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Runs once what the event loop has at hand is done, so that it is done together. */
export const soon: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : queueMicrotask;
