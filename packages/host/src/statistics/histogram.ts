/** Upper ends of the buckets, microseconds: four to each doubling, from 16 µs to about five minutes. */
const ENDS_US: readonly number[] = Array.from({ length: 98 }, (_, index) => 16 * 2 ** (index / 4));

/** Counts of durations, by bucket. */
export type Histogram = number[];

export function addDuration(histogram: Histogram, durationUs: number): void {
  // Where the bucket's end would be in an endless table; the last bucket takes everything beyond.
  const exact = Math.ceil(Math.log2(Math.max(durationUs, 1) / 16) * 4);
  const index = Math.min(Math.max(exact, 0), ENDS_US.length - 1);
  while (histogram.length <= index) histogram.push(0);
  histogram[index] = (histogram[index] ?? 0) + 1;
}

export function addHistogram(into: Histogram, from: readonly number[]): void {
  for (const [index, count] of from.entries()) {
    while (into.length <= index) into.push(0);
    into[index] = (into[index] ?? 0) + count;
  }
}

/** The duration below which a share of the calls stayed, milliseconds, at most a fifth too high; `undefined` without calls. */
export function percentileMs(histogram: readonly number[], share: number): number | undefined {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let seen = 0;
  const index = histogram.findIndex((count) => (seen += count) >= total * share);
  return Math.round(ENDS_US[index] ?? 0) / 1_000;
}
