/**
 * Runs `work` on every item, so many at a time, and gives the results in the items' order. The first failure
 * ends the rest: it aborts the signal that work was given, waits until nothing runs any more, and is thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const results: Result[] = Array.from({ length: items.length });
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const runner = async (): Promise<void> => {
    while (next < items.length && !both.aborted) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(items[index] as Item, both);
      } catch (error) {
        // Those that fail afterwards fail because of the abort.
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  if (failure !== undefined) throw failure.error;
  signal?.throwIfAborted();
  return results;
}
