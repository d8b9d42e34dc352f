/**
 * Forced alignment where an aligner is installed, attention where none is. The aligner is a tiny one with made-up
 * weights: it hears nothing, but everything from its folder to the answer's words is what a real one goes through.
 */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILDER_VERSION, buildModel } from '#models/build.ts';
import { installModel } from '#models/install.ts';
import { builtDirOf, openStore } from '#models/store.ts';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { writeTinyCtcModel } from '#test/support/ctc-weights.ts';
import { useScratchFolder } from '#test/support/decoding.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { transcribe } from '#test/support/transcribe-request.ts';

const scratch = useScratchFolder();

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin({ VRAM_IDLE_TIMEOUT: '0' });
});
afterAll(() => origin.stop());

/** Installs while the service runs, as an operator does. */
async function install(name: string, languages: readonly string[]): Promise<string> {
  const sourceDir = scratch.file('source');
  writeTinyCtcModel(sourceDir);
  const store = openStore(join(origin.dataDir, 'models'));
  const builder = { version: BUILDER_VERSION, build: buildModel };
  await installModel({ store, name, target: 'cpu', sourceDir, builder, languages });
  return builtDirOf(store, name, 'cpu');
}

function timingsOf({ words }: TranscriptionResponse): Set<string | undefined> {
  return new Set(words?.map(({ timing }) => timing));
}

const NO_ALIGNER = expect.stringContaining('no aligner for "en" is installed');

describe('an aligner', () => {
  it('that is not installed leaves the times of attention, and the answer says so', async () => {
    const answer = await transcribe(origin, 'en_harbor.flac', { language: 'en' });
    expect(timingsOf(answer)).toEqual(new Set(['attention']));
    expect(answer.warnings).toEqual([NO_ALIGNER]);
    const models = await fetch(`${origin.url}/models`);
    expect(await models.json()).toMatchObject({ aligners: {} });
  });

  it('places the words of its language, characters too', async () => {
    await install('align-en', ['en']);
    const fields = { language: 'en', return_char_alignments: 'true' };
    const answer = await transcribe(origin, 'en_harbor.flac', fields);
    // Sounds that its made-up weights hear nowhere are placed between the others.
    expect(['aligned', 'interpolated']).toEqual(expect.arrayContaining([...timingsOf(answer)]));
    expect(answer.words?.filter(({ timing }) => timing === 'aligned').length).toBeGreaterThan(10);
    expect(answer.warnings).toEqual([]);
    for (const { alignment_score: score = 1 } of answer.words ?? []) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    const chars = answer.segments?.flatMap((segment) => segment.chars ?? []) ?? [];
    expect(chars.map(({ char }) => char).join('')).toMatch(/harbor office/i);
    expect(chars.filter(({ start }) => start !== undefined).length).toBeGreaterThan(50);
    const models = await fetch(`${origin.url}/models`);
    expect(await models.json()).toMatchObject({ aligners: { en: 'align-en' } });
  });

  it('changes no word of the text', async () => {
    const aligned = await transcribe(origin, 'en_harbor.flac', { language: 'en' });
    const plain = await transcribe(origin, 'en_harbor.flac', { language: 'en', align: 'false' });
    expect(aligned.text).toBe(plain.text);
    expect(plain).toMatchObject({ words: null, warnings: [] });
  });

  it('of another language is not taken, nor one for a translation', async () => {
    const german = await transcribe(origin, 'de_bahnhof.flac', { language: 'de' });
    expect(timingsOf(german)).toEqual(new Set(['attention']));
    const english = { language: 'de', task: 'translate' };
    expect(timingsOf(await transcribe(origin, 'de_bahnhof.flac', english))).toEqual(
      new Set(['attention']),
    );
  });

  it('for any language takes what has none of its own', async () => {
    await install('align-any', ['*']);
    const german = await transcribe(origin, 'de_bahnhof.flac', { language: 'de' });
    expect(timingsOf(german)).toContain('aligned');
    const models = await fetch(`${origin.url}/models`);
    expect(await models.json()).toMatchObject({ aligners: { en: 'align-en', '*': 'align-any' } });
  });

  it('that is broken costs the text nothing', async () => {
    const dir = await install('align-en', ['en']);
    truncateSync(join(dir, 'weights.data'), 1000);
    const answer = await transcribe(origin, 'en_harbor.flac', { language: 'en' });
    expect(answer.text).toContain('fishing boats');
    expect(timingsOf(answer)).toEqual(new Set(['attention']));
    expect(answer.warnings).toEqual([expect.stringContaining('aligner')]);
  });
});
