/** One chunk of speech ↔ its parts between pauses. */
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';

/** Audio kept around the speech of a part, at most half of the pause; as voice activity does for chunks. */
const PAD_SAMPLES = 0.2 * SAMPLE_RATE;
/** A longer pause is no better a place to cut. */
const LONG_PAUSE_SECONDS = 1;

/** Seconds of speech in a chunk. */
export function speechSeconds({ regions }: SpeechChunk): number {
  return samplesIn(regions) / SAMPLE_RATE;
}

/**
 * Cuts a chunk in two at a long pause near the middle of its speech; null where no pause has `leastSeconds` of speech
 * on both sides.
 */
export function halve(
  chunk: SpeechChunk,
  leastSeconds: number,
): readonly [SpeechChunk, SpeechChunk] | null {
  const total = speechSeconds(chunk);
  let [bestCut, bestScore, before] = [0, Number.NEGATIVE_INFINITY, 0];
  chunk.regions.forEach((region, cut) => {
    const previous = chunk.regions[cut - 1];
    if (previous && Math.min(before, total - before) >= leastSeconds) {
      const pause = (region.startSample - previous.endSample) / SAMPLE_RATE;
      const score = Math.min(pause, LONG_PAUSE_SECONDS) - Math.abs(2 * before - total) / total;
      if (score > bestScore) [bestCut, bestScore] = [cut, score];
    }
    before += (region.endSample - region.startSample) / SAMPLE_RATE;
  });
  return cutBefore(chunk, bestCut);
}

/** Puts two parts of one chunk together, of which the second follows the first. */
export function joinParts(first: SpeechChunk, second: SpeechChunk): SpeechChunk {
  const { startSample } = first;
  const { endSample } = second;
  return { startSample, endSample, regions: [...first.regions, ...second.regions] };
}

function cutBefore(chunk: SpeechChunk, cut: number): readonly [SpeechChunk, SpeechChunk] | null {
  const [left, right] = [chunk.regions.slice(0, cut), chunk.regions.slice(cut)];
  const [lastOfLeft, firstOfRight] = [left.at(-1), right[0]];
  if (!lastOfLeft || !firstOfRight) return null;
  const [end, start] = [lastOfLeft.endSample, firstOfRight.startSample];
  const pad = Math.min(PAD_SAMPLES, Math.floor((start - end) / 2));
  return [
    { startSample: chunk.startSample, endSample: end + pad, regions: left },
    { startSample: start - pad, endSample: chunk.endSample, regions: right },
  ];
}

function samplesIn(ranges: readonly SampleRange[]): number {
  return ranges.reduce((sum, { startSample, endSample }) => sum + endSample - startSample, 0);
}
