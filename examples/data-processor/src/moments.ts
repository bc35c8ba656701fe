/** Count, mean and spread of numbers in one pass, stable for large and close values (Welford, 1962). */
export class Moments {
  count = 0;
  mean = 0;
  #squares = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  /** What rounding lost from the sum (Neumaier, 1974). */
  #lost = 0;

  add(value: number): void {
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
  }

  get sum(): number {
    return this.#sum + this.#lost;
  }

  /** Sample variance; `undefined` below two values. */
  get variance(): number | undefined {
    return this.count < 2 ? undefined : Math.max(0, this.#squares / (this.count - 1));
  }
}

/** The quantile of sorted numbers, by linear interpolation (Hyndman and Fan, 1996, type 7). */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  if (sorted.length === 0) return undefined;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}
