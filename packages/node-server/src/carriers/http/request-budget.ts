import { NodeError } from '../../errors.js';

/** Bytes of all request bodies that are being read or run, against `maxRequestBytes`. */
export class RequestBudget {
  readonly #maxBytes: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used;
  }

  /** A share of one request, empty at first. */
  claim(): Claim {
    let held = 0;
    return {
      add: (bytes) => {
        if (this.#used + bytes > this.#maxBytes)
          throw new NodeError('NODE_BUSY', 'too many request bytes are being run');
        this.#used += bytes;
        held += bytes;
      },
      release: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

/** What one request holds of the budget. */
export interface Claim {
  /** Counts bytes before they are kept. @throws NodeError `NODE_BUSY` */
  add: (bytes: number) => void;
  /** Gives everything back. */
  release: () => void;
}
