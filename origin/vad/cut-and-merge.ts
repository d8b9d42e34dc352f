import type { VadLimits } from '#origin/vad/options.ts';

/** `[startSample, endSample)` of the 16 kHz waveform. */
export interface SampleRange {
  readonly startSample: number;
  readonly endSample: number;
}

/** Up to 30 s of audio for one pass of Whisper, and where in it there is speech. Chunks never overlap. */
export interface SpeechChunk extends SampleRange {
  readonly regions: readonly SampleRange[];
}

type MergeLimits = Pick<VadLimits, 'maxChunkSamples' | 'maxGapSamples' | 'padSamples'>;

/**
 * Regions of speech, in order → chunks: neighbours share a chunk while they fit. Each chunk keeps a little audio
 * around its speech, so that soft word edges survive; two chunks share the pause between them.
 *
 * A chunk is given once nothing that is still to come could change it. Each region must fit a chunk with its padding.
 */
export class ChunkMerger {
  readonly #limits: MergeLimits;
  #regions: SampleRange[] = [];
  /** End of the speech given so far; null before the first chunk. */
  #previousEnd: number | null = null;

  constructor(limits: MergeLimits) {
    this.#limits = limits;
  }

  /** Takes the next region; gives the chunk before it, if the region does not belong to it. */
  push(region: SampleRange): SpeechChunk | null {
    const last = this.#regions.at(-1);
    if (last === undefined) {
      this.#regions.push(region);
      return null;
    }
    if (this.#fits(region)) {
      if (last.endSample === region.startSample) {
        this.#regions.pop();
        this.#regions.push({ startSample: last.startSample, endSample: region.endSample });
      } else {
        this.#regions.push(region);
      }
      return null;
    }
    const chunk = this.#close((region.startSample - last.endSample) / 2);
    this.#regions.push(region);
    return chunk;
  }

  /** Every region that is still to come begins at `horizonSample` or later: gives the open chunk if that ends it. */
  advance(horizonSample: number): SpeechChunk | null {
    const last = this.#regions.at(-1);
    if (last === undefined) return null;
    const room = (horizonSample - last.endSample) / 2;
    const isFinal = !this.#fits({ startSample: horizonSample, endSample: horizonSample + 1 });
    return isFinal && room >= this.#limits.padSamples ? this.#close(room) : null;
  }

  /** The waveform is over: gives the open chunk, if any. */
  end(totalSamples: number): SpeechChunk | null {
    const last = this.#regions.at(-1);
    return last === undefined ? null : this.#close(totalSamples - last.endSample);
  }

  #fits(region: SampleRange): boolean {
    const { maxChunkSamples, maxGapSamples, padSamples } = this.#limits;
    const first = this.#regions[0]!;
    const last = this.#regions.at(-1)!;
    const span = region.endSample - first.startSample + 2 * padSamples;
    return span <= maxChunkSamples && region.startSample - last.endSample <= maxGapSamples;
  }

  /** @param roomAfter Samples behind the last region that this chunk may take. */
  #close(roomAfter: number): SpeechChunk {
    const regions = this.#regions;
    const first = regions[0]!;
    const last = regions.at(-1)!;
    const roomBefore =
      this.#previousEnd === null ? first.startSample : (first.startSample - this.#previousEnd) / 2;
    this.#regions = [];
    this.#previousEnd = last.endSample;
    return {
      startSample: first.startSample - this.#padding(roomBefore),
      endSample: last.endSample + this.#padding(roomAfter),
      regions,
    };
  }

  #padding(room: number): number {
    return Math.min(this.#limits.padSamples, Math.floor(room));
  }
}
