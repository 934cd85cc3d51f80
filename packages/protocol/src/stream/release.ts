/** What waits to be sent, and since when. */
export interface Waiting {
  /** Opens, results, errors, ends, resets, first bytes, questions and answers to them. */
  urgent: boolean;
  bulkBytes: number;
  /** When bulk bytes began to wait. */
  bulkSince: number;
  /** Largest packet that could carry them. */
  maxBytes: number;
}

/** How long bulk lingers: at most `lingerMs`, and a tenth of the round trip if that is less (R7). */
export function lingerTime(lingerMs: number, roundTripMs: number): number {
  return Math.min(lingerMs, roundTripMs / 10);
}

/**
 * When a packet is worth sending (R7): at once for what is urgent and for a full packet, after lingering for bulk;
 * undefined when there is nothing but acks, which release nothing.
 */
export function releaseAt(waiting: Waiting, lingerForMs: number): number | undefined {
  if (waiting.urgent || waiting.bulkBytes >= waiting.maxBytes) return Number.NEGATIVE_INFINITY;
  return waiting.bulkBytes > 0 ? waiting.bulkSince + lingerForMs : undefined;
}
