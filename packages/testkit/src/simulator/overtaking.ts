interface Waiting {
  left: number;
  readonly go: () => void;
}

/** Requests that let later ones pass. */
export class Overtaking {
  readonly #waiting = new Set<Waiting>();

  /** Resolves when so many others have passed, the time is over, or the signal is aborted. */
  letPass(count: number, longestMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#waiting.delete(waiting);
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        resolve();
      };
      const waiting = { left: count, go };
      const timer = setTimeout(go, longestMs);
      this.#waiting.add(waiting);
      signal.addEventListener('abort', go);
    });
  }

  /** One passes. */
  pass(): void {
    for (const waiting of this.#waiting) {
      waiting.left -= 1;
      if (waiting.left === 0) waiting.go();
    }
  }
}
