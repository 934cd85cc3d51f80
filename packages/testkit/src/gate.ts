/** Something that a test holds shut and opens when it has seen what it waits for. */
export interface Gate {
  /** Resolves once the gate is open. */
  readonly opened: Promise<void>;
  /** Opens it for good. */
  open(): void;
}

/** Makes a shut {@link Gate}. */
export function createGate(): Gate {
  let resolve: (() => void) | undefined;
  const opened = new Promise<void>((done) => {
    resolve = done;
  });
  return { opened, open: () => resolve?.() };
}
