/** Calls back once when nothing has been heard for a while. Stopped until it is first touched. */
export class Watchdog {
  readonly #ms: number;
  readonly #bite: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, bite: () => void) {
    this.#ms = ms;
    this.#bite = bite;
  }

  /** Something was heard: the time begins again. */
  touch(): void {
    this.stop();
    this.#timer = setTimeout(this.#bite, this.#ms);
  }

  /** Nothing is waited for. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
