import type { Endpoint } from './packet-socket.js';

/** Senders that are remembered. Those of one host's sessions, as a rule. */
const PLACES = 64;

/**
 * Endpoints of addresses as the addon writes them: the same object for the same address, so that a packet costs no new one,
 * and whoever gets it can see at a glance that the sender is still the same.
 */
export class SenderCache {
  readonly #read: (table: Uint8Array, index: number) => Endpoint;
  readonly #table: Uint8Array;
  readonly #words: Uint32Array;
  readonly #known: (Endpoint | undefined)[] = Array.from({ length: PLACES });
  readonly #knownWords: Uint32Array;
  readonly #wordsEach: number;

  /**
   * @param table Addresses of `bytesEach`, a multiple of 4; they change from call to call.
   * @param read Reads one of them.
   */
  constructor(table: Uint8Array, bytesEach: number, read: (table: Uint8Array, index: number) => Endpoint) {
    this.#read = read;
    this.#table = table;
    this.#wordsEach = bytesEach / 4;
    this.#words = new Uint32Array(table.buffer, table.byteOffset, table.length / 4);
    this.#knownWords = new Uint32Array(PLACES * this.#wordsEach);
  }

  /** The endpoint of an entry of the table. */
  endpoint(index: number): Endpoint {
    const each = this.#wordsEach;
    const from = index * each;
    let hash = 0;
    for (let i = 0; i < each; i++) hash = Math.imul(hash ^ this.#words[from + i]!, 0x9e37_79b1);
    const place = (hash >>> 16) % PLACES;
    const known = this.#known[place];
    if (known !== undefined && this.#isSame(from, place * each)) return known;
    const endpoint = this.#read(this.#table, index);
    this.#known[place] = endpoint;
    this.#knownWords.set(this.#words.subarray(from, from + each), place * each);
    return endpoint;
  }

  #isSame(from: number, known: number): boolean {
    for (let i = 0; i < this.#wordsEach; i++) if (this.#words[from + i] !== this.#knownWords[known + i]) return false;
    return true;
  }
}
