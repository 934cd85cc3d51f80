import { randomUUID } from 'node:crypto';

/** What stands at second addresses of redirects, by path; each is served once. */
export class SecondAddresses<T> {
  readonly #served = new Map<string, T>();
  readonly #most: number;
  readonly #onForgotten: (what: T) => void;

  /**
   * @param most how many there are at once; the oldest goes for one more
   * @param onForgotten told of what goes without having been served
   */
  constructor(most: number, onForgotten: (what: T) => void = () => undefined) {
    this.#most = most;
    this.#onForgotten = onForgotten;
  }

  /** Puts something at a new address. Returns its path. */
  add(what: T): string {
    if (this.#served.size >= this.#most) this.forgetOldest();
    const path = `/second/${randomUUID()}`;
    this.#served.set(path, what);
    return path;
  }

  /** What stands there; nothing does any more after that. */
  take(path: string): T | undefined {
    const what = this.#served.get(path);
    this.#served.delete(path);
    return what;
  }

  /** Returns whether there was one. */
  forgetOldest(): boolean {
    const [oldest] = this.#served;
    if (oldest === undefined) return false;
    this.#served.delete(oldest[0]);
    this.#onForgotten(oldest[1]);
    return true;
  }
}
