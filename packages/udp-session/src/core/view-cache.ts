/** Most views of one slab: two for each packet of the largest batch. */
const MAX_VIEWS = 8192;

/**
 * Views of parts of slabs that are used again and again: one made for each packet would be the largest part of what a session
 * allocates. A part is found by where it begins; one of another length takes its place.
 */
export class ViewCache {
  readonly #views = new WeakMap<Uint8Array, Map<number, Uint8Array>>();
  #slab: Uint8Array | undefined;
  #current: Map<number, Uint8Array> | undefined;

  /** `bytes` of a slab from `at` on. */
  view(slab: Uint8Array, at: number, bytes: number): Uint8Array {
    if (slab !== this.#slab) {
      this.#slab = slab;
      this.#current = this.#views.get(slab);
      if (this.#current === undefined) this.#views.set(slab, (this.#current = new Map()));
    }
    const known = this.#current!.get(at);
    if (known?.length === bytes) return known;
    const view = slab.subarray(at, at + bytes);
    if (this.#current!.size < MAX_VIEWS) this.#current!.set(at, view);
    return view;
  }
}
