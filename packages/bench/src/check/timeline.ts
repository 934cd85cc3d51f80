/** When which position of a stream was reached: pairs of a time in milliseconds and a position in bytes. */
export interface Timeline {
  timesMs: number[];
  positions: number[];
}

/** Entries kept per stream. Beyond it every second one is dropped, so that hours of soak stay small. */
const MAX_ENTRIES = 8192;

/**
 * Records a timeline in bounded memory. When it thins out, each pair of entries becomes one that errs on the safe
 * side: a `sent` timeline says that bytes left earlier than they did, an `arrived` one that they came later. So
 * {@link findEarlyBytes} never accuses a tunnel wrongly.
 */
export class TimelineRecorder {
  readonly #kind: 'sent' | 'arrived';
  #timesMs: number[] = [];
  #positions: number[] = [];
  /** So many notes make one entry, and so many of them are in the last one while it is not full. */
  #stride = 1;
  #merged = 0;

  constructor(kind: 'sent' | 'arrived') {
    this.#kind = kind;
  }

  /** Notes that everything before `position` was sent, or has arrived, at `ms`. Both only grow. */
  add(ms: number, position: number): void {
    const last = this.#timesMs.length - 1;
    if (this.#merged > 0) {
      this.#positions[last] = position;
      if (this.#kind === 'arrived') this.#timesMs[last] = ms;
    } else {
      this.#timesMs.push(ms);
      this.#positions.push(position);
    }
    this.#merged = (this.#merged + 1) % this.#stride;
    if (this.#timesMs.length <= MAX_ENTRIES) return;
    this.#thin();
    // What comes from now on is as coarse as what was there before, or the beginning would get coarser with each thinning.
    this.#stride *= 2;
    this.#merged = 0;
  }

  get timeline(): Timeline {
    return { timesMs: this.#timesMs, positions: this.#positions };
  }

  #thin(): void {
    const keepFirstTime = this.#kind === 'sent' ? 0 : 1;
    const timesMs: number[] = [];
    const positions: number[] = [];
    for (let i = 0; i + 1 < this.#timesMs.length; i += 2) {
      timesMs.push(this.#timesMs[i + keepFirstTime] ?? 0);
      positions.push(this.#positions[i + 1] ?? 0);
    }
    if (this.#timesMs.length % 2 === 1) {
      timesMs.push(this.#timesMs.at(-1) ?? 0);
      positions.push(this.#positions.at(-1) ?? 0);
    }
    this.#timesMs = timesMs;
    this.#positions = positions;
  }
}

/** The first position that arrived before it was sent, or undefined: right bytes can be forged by who knows the seed. */
export function findEarlyBytes(sent: Timeline, arrived: Timeline): number | undefined {
  let s = 0;
  for (let a = 0; a < arrived.positions.length; a++) {
    const position = arrived.positions[a] ?? 0;
    while (s < sent.positions.length && (sent.positions[s] ?? 0) < position) s++;
    const sentMs = sent.timesMs[s] ?? Infinity;
    if (sentMs > (arrived.timesMs[a] ?? 0)) return arrived.positions[a - 1] ?? 0;
  }
  return undefined;
}

/** Longest time between two arrivals on any of the streams. Time before the first is the first byte's, not silence. */
export function longestSilenceMs(timelines: Timeline[]): number {
  const times = timelines.flatMap(({ timesMs }) => timesMs).sort((a, b) => a - b);
  let longest = 0;
  for (let i = 1; i < times.length; i++) longest = Math.max(longest, (times[i] ?? 0) - (times[i - 1] ?? 0));
  return longest;
}

/** When all streams together had brought so many bytes; undefined when they never did. */
export function reachedAtMs(timelines: Timeline[], bytes: number): number | undefined {
  const arrivals = timelines.flatMap(({ timesMs, positions }) =>
    timesMs.map((ms, i) => [ms, (positions[i] ?? 0) - (positions[i - 1] ?? 0)] as const),
  );
  let sum = 0;
  for (const [ms, more] of arrivals.sort(([a], [b]) => a - b)) {
    sum += more;
    if (sum >= bytes) return ms;
  }
  return undefined;
}

/** Throughput over time of all streams together, in MB/s, in `bins` equal bins from `startMs` to `endMs`. */
export function throughputOverTime(
  timelines: Timeline[],
  startMs: number,
  endMs: number,
  bins = 60,
): { MBps: number[]; binMs: number } {
  const binMs = (endMs - startMs) / bins;
  const bytes = Array.from({ length: bins }, () => 0);
  for (const { timesMs, positions } of timelines) {
    for (let i = 0; i < timesMs.length; i++) {
      const bin = Math.min(bins - 1, Math.max(0, Math.floor(((timesMs[i] ?? 0) - startMs) / binMs)));
      bytes[bin] = (bytes[bin] ?? 0) + (positions[i] ?? 0) - (positions[i - 1] ?? 0);
    }
  }
  return { MBps: bytes.map((count) => count / 1e3 / binMs), binMs };
}
