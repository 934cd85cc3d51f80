/**
 * When a provider begins to count anew. Local times follow the time zone through summer time: a time that a day skips stands
 * for the moment of the jump, one that a day has twice for the first of the two.
 */

/** A rule for resets. */
export type ResetRule =
  /** Each request counts for 24 hours. */
  | { readonly kind: 'rolling' }
  /** Once a day, `minutes` after midnight by the clocks of `zone`. */
  | { readonly kind: 'daily'; readonly minutes: number; readonly zone: string };

export const DAY_MS = 86_400_000;

/** Reads `HH:MM ZONE` or `rolling`. Undefined when it is neither, or the zone is not known here. */
export function parseResetRule(text: string): ResetRule | undefined {
  if (text === 'rolling') return { kind: 'rolling' };
  const [, hours, minutes, zone] = /^([01]\d|2[0-3]):([0-5]\d) (\S+)$/.exec(text) ?? [];
  if (zone === undefined || !isZone(zone)) return undefined;
  return { kind: 'daily', minutes: Number(hours) * 60 + Number(minutes), zone };
}

/** The resets of one daily rule. Times are in ms since 1970, UTC. */
export class DailyResets {
  readonly #format: Intl.DateTimeFormat;
  readonly #minutes: number;

  constructor({ minutes, zone }: { minutes: number; zone: string }) {
    this.#minutes = minutes;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** The last reset that is not after `now`, and the first one after it. */
  around(now: number): { readonly last: number; readonly next: number } {
    const today = Math.floor(this.#local(now) / DAY_MS);
    let last = -Infinity;
    for (let day = today - 2; ; day += 1) {
      const reset = this.#resetOf(day);
      if (reset > now) return { last, next: reset };
      last = reset;
    }
  }

  /** The moment at which the clocks of the zone first show the time of the rule, or a later one, on a day counted from 1970. */
  #resetOf(day: number): number {
    const wanted = day * DAY_MS + this.#minutes * 60_000;
    const before = wanted - this.#offset(wanted - DAY_MS);
    if (this.#local(before) === wanted) return before;
    const after = wanted - this.#offset(wanted + DAY_MS);
    if (this.#local(after) === wanted) return after;
    // The clocks jump over it, somewhere between the two.
    let [low, high] = [Math.min(before, after), Math.max(before, after)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#local(middle) < wanted) low = middle;
      else high = middle;
    }
    return high;
  }

  /** What the clocks of the zone show, as if it were UTC. */
  #local(at: number): number {
    const shown: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    const seconds = Date.UTC(year, month - 1, day, hour, minute, second);
    return seconds + (((at % 1_000) + 1_000) % 1_000);
  }

  /** How far they are ahead of UTC. */
  #offset(at: number): number {
    return this.#local(at) - at;
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
