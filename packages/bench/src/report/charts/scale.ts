import { short } from '../table.js';

/** Round values from 0 to at least `highest`, about `count` of them. */
export function ticks(highest: number, count = 4): number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const steps = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** Powers of ten from at most `lowest` to at least `highest`. */
export function decades(lowest: number, highest: number): number[] {
  const from = Math.floor(Math.log10(Math.max(lowest, 1e-6)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(highest, 1e-6))));
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

/** Maps a domain onto pixels. */
export const linear =
  (domain: readonly [number, number], range: readonly [number, number]) =>
  (value: number): number =>
    range[0] + ((value - domain[0]) / (domain[1] - domain[0] || 1)) * (range[1] - range[0]);

/** A value at an axis: what is large is shortened, so that it has room. */
export function tickText(value: number): string {
  if (value >= 1e6) return `${short(value / 1e6)}M`;
  if (value >= 1e4) return `${short(value / 1e3)}k`;
  return short(value) || '0';
}
