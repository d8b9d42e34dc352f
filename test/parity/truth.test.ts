/** The truth checks on real recordings, through the real service. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { ROOT, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { splice } from '#test/support/spliced-speech.ts';
import { soundOf, wavFile } from '#test/support/synthetic-sound.ts';
import { transcribe } from '#test/support/transcribe-request.ts';

const AUDIO = join(ROOT, '../shared/audio');
const hasAudio = existsSync(join(AUDIO, 'jfk.flac'));
if (!hasAudio) console.warn(`skips the truth checks on real recordings: there is no ${AUDIO}`);

describe.skipIf(!hasAudio)('POST /transcribe of real recordings', () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startOrigin();
  });
  afterAll(() => origin.stop());

  it.each([
    { file: 'jfk.flac', language: 'en' },
    { file: 'de.wav', language: 'de' },
    { file: 'es.wav', language: 'es' },
    { file: 'fr.wav', language: 'fr' },
  ])('covers 98 % of $file with pauses and pieces at -30 to 0 dB', async ({ file, language }) => {
    const plain = await decodedSamples(join(AUDIO, file));
    const options = { pauses: 20, seed: 1, pauseSeconds: [0.3, 5] as const, quietestDb: -30 };
    const changed = splice(plain, options);
    const upload = wavFile('speech.wav', changed.length / 16_000, soundOf(changed));
    expect(covered(await transcribe(origin, upload, { language }))).toBeGreaterThanOrEqual(0.98);
  });

  it.each(['en_quilter.wav', 'two_speakers.wav', 'diarization_3speakers.wav', 'ami_trn03.wav'])(
    'leaves nothing out of %s',
    async (file) => {
      const answer = await transcribe(origin, join(AUDIO, file));
      expect(answer.warnings.filter((warning) => warning.startsWith('Text '))).toEqual([]);
      expect(covered(answer)).toBe(1);
    },
  );

  it('finds the end of a meeting that the first attempt skipped', async () => {
    const answer = await transcribe(origin, join(AUDIO, 'ami_trn04.wav'));
    expect(answer.coverage?.recovered).toHaveLength(1);
    expect(answer.text).toMatch(/tick okay again\. \w+/);
  });
});

function covered({ coverage }: TranscriptionResponse): number {
  return (coverage?.transcribed_seconds ?? 0) / (coverage?.speech_seconds ?? 1);
}
