/**
 * How many of the tokens stand before the second round of a loop that lasts to the end, or null when there is none.
 * A loop is a run of one to 40 tokens that comes at least {@link MIN_ROUNDS} times and fills {@link MIN_TOKENS}
 * tokens: "no, no, no, no" and a refrain are speech, the same sentence six times up to the end is not. The last
 * round may be cut off. Such text can pass the compression ratio when enough speech stands before it.
 */
export function findLoop(tokenIds: ArrayLike<number>): number | null {
  for (let period = 1; period <= MAX_PERIOD; period++) {
    const start = startOfPeriodicTail(tokenIds, period);
    const length = tokenIds.length - start;
    if (length >= MIN_TOKENS && length >= MIN_ROUNDS * period) return start + period;
  }
  return null;
}

const MAX_PERIOD = 40;
const MIN_ROUNDS = 5;
const MIN_TOKENS = 24;

/** The first index from which every token equals the one `period` later. */
function startOfPeriodicTail(tokenIds: ArrayLike<number>, period: number): number {
  let start = Math.max(0, tokenIds.length - period);
  while (start > 0 && tokenIds[start - 1] === tokenIds[start - 1 + period]) start--;
  return start;
}
