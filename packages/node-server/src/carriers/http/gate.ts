/** Lets a bounded number of tasks run at once; the others wait in the order in which they came. */
export class Gate {
  readonly #maxRunning: number;
  #running = 0;
  readonly #waiting: Array<() => void> = [];

  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /** Runs a task when there is room. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      // The place goes to the next in line, if there is one.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
