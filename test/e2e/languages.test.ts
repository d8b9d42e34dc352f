/** Recordings in several languages and translations, from the upload to the answer, with the embedded model. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { readWav } from '#test/support/read-wav.ts';
import { ROOT, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { wavFile } from '#test/support/synthetic-sound.ts';
import { FIXTURES, post, recording, transcribe } from '#test/support/transcribe-request.ts';
import { errorRate, wordErrors } from '#test/support/wer.ts';

const AUDIO = join(ROOT, '../shared/audio');
const hasAudio = existsSync(AUDIO);
if (!hasAudio) console.warn(`skips recordings in several languages: there is no ${AUDIO}`);

let origin: RunningOrigin;
beforeAll(async () => {
  // None of the languages spoken: a wrong guess must show.
  origin = await startOrigin({ WHISPER_DEFAULT_LANGUAGE: 'nl' });
});
afterAll(() => origin.stop());

const audio = (name: string) => join(AUDIO, name);
const codes = (answer: TranscriptionResponse) =>
  answer.languages?.map(({ language }) => language).toSorted();

/** Segments between two times, as text. */
function said(answer: TranscriptionResponse, from: number, to: number): string {
  const inside = answer.segments?.filter(({ start, end }) => start >= from && end <= to) ?? [];
  return inside.map(({ text }) => text).join(' ');
}

/** One recording after another, as one upload. */
function joined(names: readonly string[]): File {
  const samples = names.flatMap((name) => [...readWav(audio(name))]);
  const rate = 16_000;
  return wavFile('joined.wav', samples.length / rate, (at) => samples[Math.round(at * rate)] ?? 0);
}

interface Known {
  readonly language: string;
  readonly transcript: string;
}

describe.skipIf(!hasAudio)('a recording in several languages', () => {
  const known: Readonly<Record<string, Known>> = hasAudio
    ? JSON.parse(readFileSync(audio('words.json'), 'utf8'))
    : {};

  it('is written down in each language that is spoken, with their shares', async () => {
    const answer = await transcribe(origin, audio('multilingual.mp3'));
    expect(codes(answer)).toEqual(['de', 'en']);
    for (const { probability } of answer.languages ?? []) expect(probability).toBeCloseTo(0.5, 1);
    expect(said(answer, 0, 30.5)).toMatch(/\bthe software\b/i);
    expect(said(answer, 0, 30.5)).not.toMatch(/\b(die|und|der)\b/i);
    expect(said(answer, 30.5, 60)).toMatch(/\bdie Software\b/i);
    expect(said(answer, 30.5, 60)).not.toMatch(/\b(the|and|of)\b/i);
  });

  it.each([
    { files: ['en_quilter.wav', 'de.wav'] },
    { files: ['de.wav', 'en_quilter.wav'] },
    { files: ['de.wav', 'fr.wav', 'es.wav'] },
    { files: ['fr.wav', 'en_quilter.wav', 'fr.wav'] },
  ])('is cut within a chunk where the language changes: $files', async ({ files }) => {
    const answer = await transcribe(origin, joined(files));
    const spoken = files.map((file) => known[file]);
    expect(codes(answer)).toEqual([...new Set(spoken.map((clip) => clip?.language))].toSorted());
    const reference = spoken.map((clip) => clip?.transcript).join(' ');
    expect(errorRate([wordErrors(reference, answer.text)])).toBeLessThanOrEqual(0.45);
  });

  it('stays in one language when the caller names it', async () => {
    const answer = await transcribe(origin, audio('multilingual.mp3'), { language: 'en' });
    expect(answer.languages).toEqual([{ language: 'en', probability: 1 }]);
    expect(answer.timings_ms).not.toHaveProperty('language');
  });

  it('stays among the languages allowed', async () => {
    const fields = { languages: 'de,fr' };
    const answer = await transcribe(origin, audio('multilingual.mp3'), fields);
    expect(answer.language).toBe('de');
    expect(codes(answer)).not.toContain('en');
  });

  it('is translated into English as a whole', async () => {
    const fields = { task: 'translate' };
    const answer = await transcribe(origin, joined(['de.wav', 'fr.wav']), fields);
    expect(answer.language).toBe('en');
    expect(codes(answer)).toEqual(['de', 'fr']);
    expect(answer.text).toMatch(/\b(room|behind|portal)\b/i);
    expect(answer.text).toMatch(/\b(water|forests?|conservat\w+|general|council\w*)\b/i);
    expect(answer.text).not.toMatch(/\b(der|wurde|sous|le|devient)\b/i);
  });
});

describe('task=translate', () => {
  it('finds the language by itself and gives English', async () => {
    const fields = { task: 'translate', languages: 'de,en' };
    const answer = await transcribe(origin, 'de_bahnhof.flac', fields);
    expect(answer.language).toBe('en');
    expect(answer.languages?.[0]?.language).toBe('de');
    expect(answer.text).toMatch(/\b(train|morning|track|platform)\b/i);
    expect(answer.text).not.toMatch(/\b(guten|bitte|der|und)\b/i);
    expect(answer.warnings.filter((it) => !it.includes('no aligner'))).toEqual([]);
  });
});

describe('a language that the model does not know', () => {
  it.each([{ language: 'yue' }, { languages: 'yue' }])('%o is refused with 422', async (fields) => {
    const upload = await recording(join(FIXTURES, 'formats/clip.wav'));
    const response = await post(origin, upload, { fields });
    expect(response.status).toBe(422);
    const body: unknown = await response.json();
    expect(JSON.stringify(body)).toContain('yue');
  });
});
