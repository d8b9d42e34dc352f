import { describe, expect, it } from 'vitest';
import { diarizeOptionsFor } from '#origin/diarize/calibrations.ts';
import { clusterVoices, type VoiceItem } from '#origin/diarize/cluster.ts';
import { DEFAULT_DIARIZE_OPTIONS } from '#origin/diarize/options.ts';
import { randomNumbers } from '#test/unit/origin/diarize/scripted-recording.ts';

const DIMENSIONS = 256;

/** Mean cosines of an encoder's vectors of 1.6 s: of two stretches of one voice, and of two voices. */
interface Encoder {
  readonly within: number;
  readonly between: number;
}

function countVoices(architecture: string, voices: number, encoder: Encoder): number {
  const options = diarizeOptionsFor(architecture);
  if (options === null) throw new Error(`no calibration for ${architecture}`);
  const label = clusterVoices(stretchesOf(voices, encoder), [], options, { min: 1, max: 20 });
  return new Set(label).size;
}

/** Everybody talks three times, two stretches in a row. */
function stretchesOf(voices: number, { within, between }: Encoder): VoiceItem[] {
  const random = randomNumbers(4_242);
  const direction = () => Float32Array.from({ length: DIMENSIONS }, () => gaussian(random));
  const common = direction();
  const own = Array.from({ length: voices }, direction);
  const turns = Array.from({ length: 3 * voices }, (_, track) => track);
  return turns.flatMap((track) =>
    [0, 1].map(() => {
      const [voice, noise] = [own[track % voices] ?? common, direction()];
      const vector = common.map(
        (value, i) =>
          Math.sqrt(between) * value +
          Math.sqrt(within - between) * (voice[i] ?? 0) +
          Math.sqrt(1 - within) * (noise[i] ?? 0),
      );
      const length = Math.hypot(...vector);
      return { vector: vector.map((value) => value / length), seconds: 1.6, track };
    }),
  );
}

function gaussian(random: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(random() + 1e-9));
  return (radius * Math.cos(2 * Math.PI * random())) / Math.sqrt(DIMENSIONS);
}

describe('diarizeOptionsFor', () => {
  it('leaves the embedded encoder’s options as they are', () => {
    expect(diarizeOptionsFor('ge2e')).toBe(DEFAULT_DIARIZE_OPTIONS);
  });

  it('knows nothing of what is no encoder', () => {
    for (const name of ['whisper', '', 'toString']) expect(diarizeOptionsFor(name)).toBeNull();
  });

  // What is assumed of WeSpeaker's vectors; its weights were never run here.
  it.each([
    { within: 0.7, between: 0.2 },
    { within: 0.6, between: 0.1 },
    { within: 0.5, between: 0.15 },
    { within: 0.4, between: 0.05 },
  ])('counts voices by vectors like WeSpeaker’s: $within and $between', (encoder) => {
    for (const voices of [1, 2, 4, 8]) {
      expect(countVoices('wespeaker-resnet34-lm', voices, encoder)).toBe(voices);
    }
  });

  it('counts voices by vectors like GE2E’s, where WeSpeaker’s options would hear one', () => {
    const encoder = { within: 0.78, between: 0.55 };
    for (const voices of [1, 2, 4]) expect(countVoices('ge2e', voices, encoder)).toBe(voices);
    expect(countVoices('wespeaker-resnet34-lm', 4, encoder)).toBeLessThan(4);
  });
});
