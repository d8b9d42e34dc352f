import type { Speech } from '#origin/cli/verify-gpu/speech.ts';
import { SAMPLE_RATE } from '#origin/voxtral/models.ts';
import type { VoxtralRecording } from '#origin/voxtral/recording.ts';

const PAUSE_SAMPLES = SAMPLE_RATE;

/** A recording that says the same several times, a second of silence between. Nothing is known of pauses within. */
export function tileSpeech({ samples, language }: Speech, times: number): VoxtralRecording {
  const step = samples.length + PAUSE_SAMPLES;
  const regions = Array.from({ length: times }, (_, i) => ({
    startSample: i * step,
    endSample: i * step + samples.length,
  }));
  return {
    totalSamples: times * step,
    regions,
    language,
    readSamples: async (startSample, sampleCount) => {
      const slice = new Float32Array(sampleCount);
      for (let i = 0; i < sampleCount; i += 1) slice[i] = samples[(startSample + i) % step] ?? 0;
      return slice;
    },
  };
}
