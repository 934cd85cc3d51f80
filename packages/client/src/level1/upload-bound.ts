/**
 * How many bytes of payload a batch may carry. On a slow link a full batch would take longer than a reply may, and
 * everything behind it would wait: the bound follows what the way bears.
 */
import { LIMITS } from '@millrace/protocol';
import { CLIENT_LIMITS } from '../limits.js';

export class UploadBound {
  #bytes = 4 * CLIENT_LIMITS.minUploadBytes;

  get bytes(): number {
    return this.#bytes;
  }

  /** A batch with `bytes` of payload took `ms`, the answer included. */
  note(bytes: number, ms: number): void {
    if (ms > CLIENT_LIMITS.uploadTargetMs && bytes > CLIENT_LIMITS.minUploadBytes) {
      this.#bytes = Math.max(CLIENT_LIMITS.minUploadBytes, Math.min(this.#bytes, bytes) / 2);
    } else if (ms < CLIENT_LIMITS.uploadTargetMs / 4 && bytes > this.#bytes / 2) {
      this.#bytes = Math.min(LIMITS.batchBytes, this.#bytes * 2);
    }
  }
}
