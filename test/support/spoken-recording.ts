/** A long recording of spoken words (`vllm-stand-in/spoken-words.ts`), made where it is read: hours cost no memory. */
import type { ReadSamples } from '#origin/voxtral/slice-reader.ts';
import type { SampleRange } from '#origin/voxtral/split.ts';
import {
  BREATH,
  SAMPLE_RATE,
  speak,
  spell,
  WORD_COUNT,
  WORD_SAMPLES,
} from '#test/support/vllm-stand-in/spoken-words.ts';

export interface SpokenRecording {
  readonly totalSamples: number;
  readonly regions: readonly SampleRange[];
  readonly readSamples: ReadSamples;
  /** What is said, in order. */
  readonly words: readonly string[];
}

export interface RecordingPlan {
  readonly durationSeconds: number;
  /** Words in a row without a pause: 1 or more. */
  readonly phraseWords: (phrase: number) => number;
  /** Silence after a phrase. */
  readonly pauseSeconds: (phrase: number) => number;
}

/** Between words of a phrase: breath, which voice activity takes for speech. */
const BREATH_SAMPLES = 0.05 * SAMPLE_RATE;

interface Spoken {
  readonly startSample: number;
  readonly word: number;
}

export function makeRecording(plan: RecordingPlan): SpokenRecording {
  const totalSamples = plan.durationSeconds * SAMPLE_RATE;
  const spoken: Spoken[] = [];
  const regions: SampleRange[] = [];
  let at = 0.5 * SAMPLE_RATE;
  for (let phrase = 0; ; phrase += 1) {
    const count = plan.phraseWords(phrase);
    const endSample = at + count * (WORD_SAMPLES + BREATH_SAMPLES) - BREATH_SAMPLES;
    if (endSample > totalSamples) break;
    for (let i = 0; i < count; i += 1) {
      // A step that shares no factor with the count: numbers come again only after all others.
      const word = (spoken.length * 7919) % WORD_COUNT;
      spoken.push({ startSample: at + i * (WORD_SAMPLES + BREATH_SAMPLES), word });
    }
    regions.push({ startSample: at, endSample });
    at = endSample + Math.round(plan.pauseSeconds(phrase) * SAMPLE_RATE);
  }
  return {
    totalSamples,
    regions,
    words: spoken.map(({ word }) => spell(word)),
    readSamples: async (startSample, sampleCount) =>
      render({ spoken, regions, startSample, sampleCount }),
  };
}

interface Stretch {
  readonly spoken: readonly Spoken[];
  readonly regions: readonly SampleRange[];
  readonly startSample: number;
  readonly sampleCount: number;
}

function render({ spoken, regions, startSample, sampleCount }: Stretch): Float32Array {
  const samples = new Float32Array(sampleCount);
  for (const region of regions) {
    samples.fill(BREATH, clamp(region.startSample), clamp(region.endSample));
  }
  for (const { startSample: at, word } of spoken) {
    if (at + WORD_SAMPLES > startSample && at < startSample + sampleCount) {
      speak(samples, at - startSample, word);
    }
  }
  return samples;

  function clamp(sample: number): number {
    return Math.max(0, Math.min(sampleCount, sample - startSample));
  }
}
