/**
 * Speech regions → the pieces that are sent to Voxtral: as few as fit, of about the same length, cut in silences, the
 * longer the better. Only where speech goes on for longer than a piece may be is it cut inside, and then both pieces hold
 * the audio around the cut, so that no word is cut in two. Pure.
 *
 * The cheapest way through all places where a cut may be is found by dynamic programming over them, from left to right.
 */

/** `[startSample, endSample)` of the 16 kHz waveform. */
export interface SampleRange {
  readonly startSample: number;
  readonly endSample: number;
}

export interface Piece extends SampleRange {
  /** Speech in it, in order. */
  readonly regions: readonly SampleRange[];
  /** Samples at its start that the piece before has, too; 0 after a cut in silence. */
  readonly overlapSamples: number;
}

export interface SplitLimits {
  /** Longest piece, padding and overlap included. */
  readonly maxSamples: number;
  /** Shorter pauses are no place to cut: words may touch them. */
  readonly minSilenceSamples: number;
  /** A longer pause always ends a piece, and is not sent. */
  readonly maxGapSamples: number;
  /** Audio kept around the speech of a piece, at most half of the pause there. */
  readonly padSamples: number;
  /** Audio around a cut inside speech that both pieces get. */
  readonly overlapSamples: number;
}

/**
 * @param regions in order, without overlaps, within the waveform
 * @param totalSamples of the waveform
 * @throws RangeError for limits that leave no room
 */
export function splitSpeech(
  regions: readonly SampleRange[],
  totalSamples: number,
  limits: SplitLimits,
): Piece[] {
  const { maxSamples, padSamples, overlapSamples } = limits;
  if (!(maxSamples > 4 * (2 * padSamples + overlapSamples))) {
    throw new RangeError(
      `A piece of ${maxSamples} samples leaves no room for padding and overlap.`,
    );
  }
  const spoken = regions.filter(({ startSample, endSample }) => endSample > startSample);
  const groups = groupByGap(spoken, limits.maxGapSamples);
  return groups.flatMap((group, i) => {
    const before = groups[i - 1]?.at(-1)?.endSample ?? null;
    const after = groups[i + 1]?.[0]?.startSample ?? null;
    return splitGroup(group, { before, after, totalSamples }, limits);
  });
}

interface Neighbours {
  /** End of the speech before, start of the speech after; null where there is none. */
  readonly before: number | null;
  readonly after: number | null;
  readonly totalSamples: number;
}

/** A place where a piece may end and the next begin. */
interface Cut {
  /** Where the piece before ends, and the one after begins; they overlap where the cut is inside speech. */
  readonly endBefore: number;
  readonly startAfter: number;
  readonly cost: number;
}

/** In pieces: what one piece more costs. Its length costs up to another 1, which balances them. */
const PIECE_COST = 1;
/** A pause of the shortest length that counts costs so much; a longer one less. */
const SHORT_SILENCE_COST = 0.3;
/** Between two regions that touch: the model saw a change there, or something less likely than speech. */
const TOUCHING_COST = 8;
const INSIDE_COST = 10;

function splitGroup(
  group: readonly SampleRange[],
  neighbours: Neighbours,
  limits: SplitLimits,
): Piece[] {
  const cuts = listCuts(group, neighbours, limits);
  const chosen = cheapestWay(cuts, limits.maxSamples);
  return chosen.slice(1).flatMap((cut, i) => {
    const from = chosen[i];
    if (from === undefined) return [];
    const startSample = from.startAfter;
    const endSample = cut.endBefore;
    const overlapSamples = i === 0 ? 0 : Math.max(0, from.endBefore - from.startAfter);
    return [
      { startSample, endSample, overlapSamples, regions: clip(group, startSample, endSample) },
    ];
  });
}

/** The start of the group, every place inside, and its end. */
function listCuts(
  group: readonly SampleRange[],
  { before, after, totalSamples }: Neighbours,
  limits: SplitLimits,
): Cut[] {
  const first = group[0]?.startSample ?? 0;
  const last = group.at(-1)?.endSample ?? 0;
  const roomBefore = before === null ? first : Math.floor((first - before) / 2);
  const roomAfter = after === null ? totalSamples - last : Math.floor((after - last) / 2);
  const start = first - Math.min(limits.padSamples, roomBefore);
  const end = Math.max(last, Math.min(totalSamples, last + Math.min(limits.padSamples, roomAfter)));
  const inside = group.flatMap((region, i) => {
    const next = group[i + 1];
    const within = cutsWithin(region, limits);
    return next === undefined ? within : [...within, cutBetween(region, next, limits)];
  });
  return [edge(start), ...inside, edge(end)];
}

function edge(sample: number): Cut {
  return { endBefore: sample, startAfter: sample, cost: 0 };
}

function cutBetween(region: SampleRange, next: SampleRange, limits: SplitLimits): Cut {
  const gap = next.startSample - region.endSample;
  if (gap < limits.minSilenceSamples) {
    return cutInside(region.endSample + Math.floor(gap / 2), TOUCHING_COST, limits);
  }
  const pad = Math.min(limits.padSamples, Math.floor(gap / 2));
  const cost = (SHORT_SILENCE_COST * limits.minSilenceSamples) / Math.max(1, gap);
  return { endBefore: region.endSample + pad, startAfter: next.startSample - pad, cost };
}

/** Close enough to one another that a way exists, however long the region is. */
function cutsWithin({ startSample, endSample }: SampleRange, limits: SplitLimits): Cut[] {
  const step = Math.floor(limits.maxSamples / 16);
  const count = Math.floor((endSample - startSample - 1) / step);
  return Array.from({ length: Math.max(0, count) }, (_, i) =>
    cutInside(startSample + (i + 1) * step, INSIDE_COST, limits),
  );
}

function cutInside(sample: number, cost: number, { overlapSamples }: SplitLimits): Cut {
  const half = Math.floor(overlapSamples / 2);
  return { endBefore: sample + half, startAfter: sample - half, cost };
}

/** The cuts of the cheapest way from the first to the last. */
function cheapestWay(cuts: readonly Cut[], maxSamples: number): Cut[] {
  const costs: number[] = [0];
  const previous: number[] = [0];
  for (const [j, cut] of cuts.entries()) {
    if (j === 0) continue;
    let best = Number.POSITIVE_INFINITY;
    let bestFrom = j - 1;
    for (let i = j - 1; i >= 0; i -= 1) {
      const from = cuts[i];
      if (from === undefined) break;
      const length = cut.endBefore - from.startAfter;
      if (length > maxSamples) break;
      const cost = (costs[i] ?? 0) + PIECE_COST + (length / maxSamples) ** 2 + cut.cost;
      if (cost < best) {
        best = cost;
        bestFrom = i;
      }
    }
    costs.push(best);
    previous.push(bestFrom);
  }
  const way: Cut[] = [];
  for (let j = cuts.length - 1; j > 0; j = previous[j] ?? 0) way.unshift(...pick(cuts, j));
  return [...pick(cuts, 0), ...way];
}

function pick(cuts: readonly Cut[], index: number): Cut[] {
  const cut = cuts[index];
  return cut === undefined ? [] : [cut];
}

function groupByGap(regions: readonly SampleRange[], maxGapSamples: number): SampleRange[][] {
  const groups: SampleRange[][] = [];
  for (const region of regions) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last === undefined || region.startSample - last.endSample > maxGapSamples) {
      groups.push([region]);
    } else {
      group?.push(region);
    }
  }
  return groups;
}

function clip(regions: readonly SampleRange[], start: number, end: number): SampleRange[] {
  return regions
    .map(({ startSample, endSample }) => ({
      startSample: Math.max(start, startSample),
      endSample: Math.min(end, endSample),
    }))
    .filter(({ startSample, endSample }) => endSample > startSample);
}
