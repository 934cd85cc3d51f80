/** Stream numbers that the node tells apart below the highest one; lower ones are never opened (wire, level 2). */
export const SID_WINDOW = 65_536;

/** Memory of one window. */
export const SID_WINDOW_BYTES = SID_WINDOW / 8;

/**
 * Which stream numbers were used up. A number is used once: when its stream is gone, or was reset before it was seen,
 * it is marked dead, and so is everything below the window (R4).
 */
export class SidWindow {
  readonly #dead = new Uint8Array(SID_WINDOW_BYTES);
  #highest = -1;

  /** A stream of this number must not be opened (any more). */
  isDead(sid: number): boolean {
    if (sid > this.#highest) return false;
    if (sid <= this.#highest - SID_WINDOW) return true;
    return (this.#dead[(sid % SID_WINDOW) >>> 3]! & (1 << (sid & 7))) !== 0;
  }

  /** The number was seen. */
  see(sid: number): void {
    if (sid <= this.#highest) return;
    if (sid - this.#highest >= SID_WINDOW) this.#dead.fill(0);
    else for (let fresh = this.#highest + 1; fresh <= sid; fresh++) this.#set(fresh, false);
    this.#highest = sid;
  }

  /** The number is used up. */
  kill(sid: number): void {
    this.see(sid);
    if (sid > this.#highest - SID_WINDOW) this.#set(sid, true);
  }

  #set(sid: number, dead: boolean): void {
    const index = (sid % SID_WINDOW) >>> 3;
    const bit = 1 << (sid & 7);
    this.#dead[index] = dead ? this.#dead[index]! | bit : this.#dead[index]! & ~bit;
  }
}
