import type { Budget } from './budget.js';

/** Beyond the floor, before the peer acknowledged as much: many that begin together should begin alike. */
const FIRST_ROOM_BYTES = 1_048_576;
const PROVEN_BYTES = 65_536;
/** Part of what is free that one may take; the rest stays for others. */
const ROOM_SHARE = 3 / 4;

/** Room of one stream's send buffer: a floor of its own, and a share of what all have in common. */
export class SendRoom {
  readonly #budget: Budget;
  readonly #floorBytes: number;
  #pinned = 0;
  #proven = false;
  #claims = false;

  constructor(budget: Budget, floorBytes: number) {
    this.#budget = budget;
    this.#floorBytes = floorBytes;
  }

  /** Bytes that the buffer may take in now. */
  get roomBytes(): number {
    const beyond = Math.max(0, this.#pinned - this.#floorBytes);
    const share = this.#proven ? this.#budget.totalBytes / Math.max(1, this.#budget.claims) : FIRST_ROOM_BYTES;
    const free = Math.max(0, Math.min(this.#budget.freeFor(beyond) * ROOM_SHARE, share - beyond));
    return Math.max(0, this.#floorBytes - this.#pinned) + Math.floor(free);
  }

  /**
   * The same, where `end` was written so far and the peer takes bytes up to `peerLimit`. What it does not take yet waits in
   * the floor alone: else streams whose reader has stalled would hold what others could send.
   */
  roomFor(end: number, peerLimit: number): number {
    return Math.min(this.roomBytes, Math.max(0, peerLimit + this.#floorBytes - end));
  }

  /** It has little more than its floor, and that is used up: each round trip moves no more. */
  get isCramped(): boolean {
    return this.#pinned <= 2 * this.#floorBytes && this.roomBytes * 2 < this.#floorBytes;
  }

  /** The peer has the bytes up to `position`. */
  acknowledged(position: number): void {
    this.#proven ||= position >= PROVEN_BYTES;
  }

  /** The buffer now pins `bytes`, of which `waiting` are not acknowledged. */
  update(bytes: number, waiting: number): void {
    this.#budget.change(Math.max(0, this.#pinned - this.#floorBytes), Math.max(0, bytes - this.#floorBytes));
    this.#pinned = bytes;
    // One that has no more than its floor to send, since its reader has stalled, takes nobody's share.
    const claims = waiting > this.#floorBytes;
    if (claims !== this.#claims) this.#budget.claim(claims ? 1 : -1);
    this.#claims = claims;
  }
}
