/**
 * `/transcribe/voxtral` with real speech: a stand-in for vLLM that hears with another origin's Whisper, and our own engine
 * for speech, languages, words in time and speakers.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILDER_VERSION, buildModel } from '#models/build.ts';
import { installModel } from '#models/install.ts';
import { openStore } from '#models/store.ts';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { writeTinyCtcModel } from '#test/support/ctc-weights.ts';
import { useScratchFolder } from '#test/support/decoding.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, transcribe } from '#test/support/transcribe-request.ts';
import { BRAINS, startVoxtralOrigin, type VoxtralOrigin } from '#test/support/voxtral-origin.ts';

const ROUTE = '/transcribe/voxtral';
const scratch = useScratchFolder();

let brain: RunningOrigin;
let origin: VoxtralOrigin;

beforeAll(async () => {
  brain = await startOrigin();
  origin = await startVoxtralOrigin({
    brain: BRAINS.whisper,
    settings: { WHISPER_BRAIN_URL: brain.url, VOXTRAL_CONCURRENCY: '2' },
  });
});
afterAll(async () => {
  await origin?.stop();
  await brain?.stop();
});

function timingsOf({ words }: TranscriptionResponse): string[] {
  return [...new Set(words?.map(({ timing = 'none' }) => timing))].sort();
}

describe('POST /transcribe/voxtral with real speech', () => {
  it('loses no word of a long recording, and every one has a time', async () => {
    const answer = await transcribe(origin, 'en_long.flac', { language: 'en' }, ROUTE);
    expect(errorRateOf('en_long.flac', answer)).toBeLessThanOrEqual(0.05);
    // There is no aligner: Whisper's hearing of the same speech lends its times.
    const lent = answer.words?.filter(({ timing }) => timing === 'attention') ?? [];
    expect(lent.length).toBeGreaterThan(0.95 * (answer.words?.length ?? 0));
    expect(answer.warnings).toEqual([expect.stringContaining('come from what Whisper heard')]);
    expect(answer.words?.at(-1)?.end).toBeGreaterThan(0.9 * answer.duration_seconds);
    expect(answer.coverage?.missing).toEqual([]);
  });

  it('places the words where Whisper does', async () => {
    const fields = { language: 'en' };
    const voxtral = await transcribe(origin, 'en_harbor.flac', fields, ROUTE);
    const whisper = await transcribe(brain, 'en_harbor.flac', fields);
    const all = whisper.words?.map(({ word }) => word) ?? [];
    const once = whisper.words?.filter(({ word }) => all.indexOf(word) === all.lastIndexOf(word));
    const starts = new Map(once?.map(({ word, start }) => [word, start]));
    expect(starts.size).toBeGreaterThan(20);
    const apart = voxtral.words?.map(({ word, start }) =>
      Math.abs(start - (starts.get(word) ?? start)),
    );
    expect(Math.max(...(apart ?? []))).toBeLessThan(0.5);
  });

  it('finds the language that nobody named', async () => {
    const answer = await transcribe(origin, 'de_bahnhof.flac', {}, ROUTE);
    expect(answer.language).toBe('de');
    expect(answer.languages?.[0]?.language).toBe('de');
    expect(errorRateOf('de_bahnhof.flac', answer)).toBeLessThanOrEqual(0.2);
  });

  it('tells who speaks', async () => {
    const answer = await transcribe(origin, 'en_dialogue.flac', { diarize: 'true' }, ROUTE);
    const whisper = await transcribe(brain, 'en_dialogue.flac', { diarize: 'true' });
    expect(answer.speakers).toEqual(whisper.speakers);
    expect(answer.words?.every(({ speaker }) => speaker !== undefined)).toBe(true);
    expect(answer.turns?.length).toBe(whisper.turns?.length);
  });

  it('places the words by the aligner of their language, in pieces longer than the engine takes at once', async () => {
    const fields = { language: 'en' };
    const before = await transcribe(origin, 'en_long.flac', fields, ROUTE);
    const sourceDir = scratch.file('source');
    writeTinyCtcModel(sourceDir);
    const store = openStore(join(origin.dataDir, 'models'));
    const builder = { version: BUILDER_VERSION, build: buildModel };
    const languages = ['en'];
    await installModel({ store, name: 'align-en', target: 'cpu', sourceDir, builder, languages });
    const answer = await transcribe(origin, 'en_long.flac', fields, ROUTE);
    expect(answer.text).toBe(before.text);
    expect(timingsOf(answer)).toEqual(['aligned', 'interpolated']);
    expect(answer.warnings).toEqual([]);
  });
});
