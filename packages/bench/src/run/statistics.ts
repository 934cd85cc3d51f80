/** The value below which `share` (0 to 1) of the numbers lie, by the nearest rank; NaN without numbers. */
export function percentile(numbers: readonly number[], share: number): number {
  if (numbers.length === 0) return NaN;
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}

/** The middle value, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Half the distance between the quartiles, in per cent of the median: how far apart runs are, whatever one outlier did. */
export function spreadPercent(numbers: readonly number[]): number {
  const middle = median(numbers);
  if (numbers.length < 2 || middle === 0) return 0;
  return Math.abs(((percentile(numbers, 0.75) - percentile(numbers, 0.25)) / 2 / middle) * 100);
}

/** Fairness after Jain: 1 when all are equal, 1/n when one has everything. */
export function jain(numbers: readonly number[]): number {
  const sum = numbers.reduce((total, number) => total + number, 0);
  const squares = numbers.reduce((total, number) => total + number ** 2, 0);
  return squares === 0 ? 1 : sum ** 2 / (numbers.length * squares);
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** Slope of the least-squares line through points of `x` and `y`, in units of `y` per unit of `x`. */
export function slope(x: readonly number[], y: readonly number[]): number {
  const meanX = mean(x);
  const meanY = mean(y);
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < x.length; i++) {
    covariance += ((x[i] ?? 0) - meanX) * ((y[i] ?? 0) - meanY);
    variance += ((x[i] ?? 0) - meanX) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}

/** At most `most` of the numbers, sorted, taken evenly, with the smallest and the largest. */
export function sample(numbers: readonly number[], most = 500): number[] {
  const sorted = numbers.toSorted((a, b) => a - b);
  if (sorted.length <= most) return sorted;
  return Array.from({ length: most }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (most - 1))] ?? 0);
}
