/** What nobody said must not be written, and what was said must: the real service over made and changed recordings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { NON_SPEECH } from '#test/support/non-speech.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { concatenate, splice } from '#test/support/spliced-speech.ts';
import { scaledSound, soundOf, wavFile } from '#test/support/synthetic-sound.ts';
import { errorRateOf, FIXTURES, transcribe } from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.stop());

function toFile(samples: Float32Array): File {
  return wavFile('speech.wav', samples.length / 16_000, soundOf(samples));
}

function covered({ coverage }: TranscriptionResponse): number {
  return (coverage?.transcribed_seconds ?? 0) / (coverage?.speech_seconds ?? 1);
}

/** Warnings about the text; those about times and speakers depend on the models installed. */
function leftOut({ warnings }: TranscriptionResponse): string[] {
  return warnings.filter((warning) => /^(Text|Speech at) /.test(warning));
}

/** Kinds that voice activity takes for noise. */
const CLEAR_KINDS = [
  'dither of 16 bits',
  'brown noise',
  'clicks',
  'dial tones',
  'drum pattern',
  'rain',
  'wind',
  'speech-shaped noise',
  'phone ring',
];
/** Kinds that voice activity takes for speech, so that the model invents words. */
const HARD_KINDS = ['arpeggio music', 'sweeps', 'bird song', 'hummed tune'];

describe('POST /transcribe of sounds without speech', () => {
  it.each([
    ...CLEAR_KINDS.map((kind) => ({ kind, db: -10, language: '' })),
    ...HARD_KINDS.flatMap((kind) => [
      { kind, db: 0, language: '' },
      { kind, db: -20, language: 'en' },
    ]),
  ])(
    'invents no word for $kind at $db dB, language "$language"',
    async ({ kind, db, language }) => {
      const sound = scaledSound(NON_SPEECH[kind]!(), db);
      const answer = await transcribe(origin, wavFile('sound.wav', 12, sound), { language });
      expect(answer.text).toBe('');
      expect(answer.words).toEqual([]);
    },
  );
});

describe('POST /transcribe of speech that was made harder', () => {
  it('covers it among 20 pauses with pieces at -30 to 0 dB, and still has its words', async () => {
    const plain = await decodedSamples(`${FIXTURES}/en_dialogue.flac`);
    const changed = splice(plain, {
      pauses: 20,
      seed: 1,
      pauseSeconds: [0.3, 5],
      quietestDb: -30,
    });
    const answer = await transcribe(origin, toFile(changed));
    expect(covered(answer)).toBeGreaterThanOrEqual(0.98);
    expect(errorRateOf('en_dialogue.flac', answer)).toBeLessThanOrEqual(0.3);
  });

  it('writes real speech between music and leaves the music without words', async () => {
    const speech = await decodedSamples(`${FIXTURES}/en_harbor.flac`);
    const music = NON_SPEECH['arpeggio music']!();
    const played = Float32Array.from({ length: 12 * 16_000 }, (_, i) => 0.3 * music(i / 16_000));
    const answer = await transcribe(origin, toFile(concatenate([played, speech, played])));
    expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  });

  it('keeps a sentence that is really said three times', async () => {
    const whole = await decodedSamples(`${FIXTURES}/en_harbor.flac`);
    const sentence = whole.subarray(0, 2.9 * 16_000);
    const answer = await transcribe(origin, toFile(concatenate([sentence, sentence, sentence])));
    expect(answer.text.match(/harbou?r office/gi)).toHaveLength(3);
    expect(leftOut(answer)).toEqual([]);
  });

  it('has no warning and full coverage where nothing is wrong', async () => {
    const answer = await transcribe(origin, 'en_harbor.flac');
    expect(leftOut(answer)).toEqual([]);
    expect(answer.coverage).toMatchObject({ recovered: [], missing: [] });
  });
});
