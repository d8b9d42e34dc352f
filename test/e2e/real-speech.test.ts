/** Recordings with known texts, from the upload to the words, with the embedded model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, transcribe } from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
beforeAll(async () => {
  // Neither language of the fixtures: a wrong guess must show.
  origin = await startOrigin({ WHISPER_DEFAULT_LANGUAGE: 'fr' });
});
afterAll(() => origin.stop());

/** "ComfyUI" is said in it, which the model spells in its own way unless it is told. */
const HOTWORDS_CLIP = join(ROOT, '../shared/audio/hotwords.mp3');
const hasHotwordsClip = existsSync(HOTWORDS_CLIP);
if (!hasHotwordsClip) console.warn(`skips the hotwords test: there is no ${HOTWORDS_CLIP}`);

describe('POST /transcribe', () => {
  // The bounds leave room for a change of rounding or search, not for a lost sentence.
  it.each([
    { file: 'en_harbor.flac', language: 'en', most: 0.1 },
    { file: 'en_long.flac', language: 'en', most: 0.08 },
    { file: 'en_dialogue.flac', language: 'en', most: 0.25 },
    // Robotic: among all languages detection would be unsure.
    { file: 'de_bahnhof.flac', language: 'de', most: 0.4, languages: 'en,de,fr,es' },
  ])('writes down $file with at most $most errors a word', async (known) => {
    const { file, language, most, languages = '' } = known;
    const answer = await transcribe(origin, file, { languages });
    expect(errorRateOf(file, answer)).toBeLessThanOrEqual(most);
    expect(answer).toMatchObject({ language, primary_language: language, model: 'whisperx-base' });
    expect(answer.warnings).toEqual([expect.stringContaining(`no aligner for "${language}"`)]);
    expect(answer.speakers).toBeNull();
    expect(answer.words?.length).toBeGreaterThan(10);
  });

  it('answers under its older address too', async () => {
    const route = '/transcribe/whisperx';
    const answer = await transcribe(origin, 'en_harbor.flac', {}, route);
    expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  });
});

describe('the fields of the form', () => {
  it('align=false leaves the words out and keeps the sentences', async () => {
    const answer = await transcribe(origin, 'en_harbor.flac', { align: 'false' });
    expect(answer.words).toBeNull();
    expect(answer.segments?.length).toBeGreaterThan(0);
    expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  });

  it('language=de-DE means German, and nothing is detected', async () => {
    const answer = await transcribe(origin, 'de_bahnhof.flac', { language: 'de-DE' });
    expect(answer.language).toBe('de');
    expect(answer.languages).toEqual([{ language: 'de', probability: 1 }]);
    expect(answer.timings_ms).not.toHaveProperty('language');
  });

  it('languages=de,en lets detection choose among these only', async () => {
    const fields = { languages: 'de,en' };
    for (const [file, language] of [
      ['de_bahnhof.flac', 'de'],
      ['en_harbor.flac', 'en'],
    ] as const) {
      const answer = await transcribe(origin, file, fields);
      expect(answer.language).toBe(language);
      expect(['de', 'en']).toEqual(
        expect.arrayContaining(answer.languages?.map((share) => share.language) ?? []),
      );
    }
  });

  it('prompt sets the spelling', async () => {
    const plain = await transcribe(origin, 'en_harbor.flac');
    expect(plain.text).toMatch(/\bharbor\b/i);
    const prompt = 'The harbour office, the harbour master.';
    const prompted = await transcribe(origin, 'en_harbor.flac', { prompt });
    expect(prompted.text).toMatch(/\bharbour\b/i);
  });

  it.skipIf(!hasHotwordsClip)('hotwords brings in a word that is not known', async () => {
    // "confu i folder" without help. Whether it is Comfy or Conf with it turns on the processor's 8-bit kernels.
    const name = /\bCo(?:mfy|nf) ?UI\b/;
    const plain = await transcribe(origin, HOTWORDS_CLIP);
    expect(plain.text).not.toMatch(name);
    const helped = await transcribe(origin, HOTWORDS_CLIP, { hotwords: 'ComfyUI' });
    expect(helped.text).toMatch(name);
  });

  it.each([{ beam_size: '1' }, { temperature: '0' }, { temperature: '0.2' }])(
    '%o still gives the right words',
    async (fields) => {
      const answer = await transcribe(origin, 'en_harbor.flac', fields);
      expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
    },
  );

  it('task=translate gives English for German speech', async () => {
    const fields = { language: 'de', task: 'translate' };
    const answer = await transcribe(origin, 'de_bahnhof.flac', fields);
    expect(answer.language).toBe('en');
    expect(answer.text).toMatch(/\bgood morning\b/i);
    expect(answer.text).not.toMatch(/\b(guten|morgen|bitte|der|und)\b/i);
  });
});
