/**
 * Which items share a run: those of like length, since each is padded to the longest, and no more than memory is for.
 * Pure.
 *
 * @param lengths samples of each item
 * @param maxSamples of a run, padding included; an item that is longer runs alone
 * @returns indices of items: each once, longest first
 */
export function planRuns(lengths: readonly number[], maxSamples: number): number[][] {
  const order = [...lengths.keys()].sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
  const runs: number[][] = [];
  let longest = 0;
  for (const item of order) {
    const run = runs.at(-1);
    if (run !== undefined && (run.length + 1) * longest <= maxSamples) {
      run.push(item);
    } else {
      runs.push([item]);
      longest = lengths[item] ?? 0;
    }
  }
  return runs;
}
