import { describe, expect, it } from 'vitest';
import { assembleTranscript } from '#origin/pipeline/assemble.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';

const OPTIONS = { align: true, diarize: false, task: 'transcribe' } as const;

/** A chunk of 10 s that its words fill; the first sentence of a text may have begun in the chunk before. */
function chunk(startSeconds: number, language: string, text: string): ChunkResult {
  const endSeconds = startSeconds + 10;
  const words = text.split(' ').map((word, index, { length }) => ({
    text: word,
    startSeconds: startSeconds + (10 * index) / length,
    endSeconds: startSeconds + (10 * (index + 1)) / length,
    score: 1,
    spaceBefore: true,
  }));
  const vote = { language, probability: 1, languages: [{ language: 'en', probability: 1 }] };
  const span = { startSeconds, endSeconds };
  const rest = { speech: [span], recovered: [], missing: [], warnings: [], estimated: [] };
  return { ...span, ...rest, vote, text, words } as ChunkResult;
}

function assemble(
  chunks: readonly ChunkResult[],
  { model = 'base', ...options }: Partial<TranscribeOptions> = {},
) {
  return assembleTranscript(chunks, {
    options: { ...OPTIONS, ...options } as TranscribeOptions,
    model,
    languageHint: 'fr',
    durationSeconds: 30,
    truncated: false,
    speakers: null,
    timingsMs: {},
  });
}

describe('assembleTranscript, languages', () => {
  it('ends a sentence where the language changes, and names the language of each', () => {
    const transcript = assemble([
      chunk(0, 'en', 'We begin and'),
      chunk(10, 'de', 'jetzt geht es weiter.'),
      chunk(20, 'de', 'Gut so.'),
    ]);
    expect(transcript.segments).toMatchObject([
      { text: 'We begin and', language: 'en' },
      { text: 'jetzt geht es weiter.', language: 'de' },
      { text: 'Gut so.', language: 'de' },
    ]);
    const words = transcript.segments.flatMap((segment) => segment.words);
    expect(words.map(({ language }) => language)).toEqual([
      ...new Array(3).fill('en'),
      ...new Array(6).fill('de'),
    ]);
    expect(transcript.language).toBe('de');
    expect(transcript.languages.map(({ language }) => language)).toEqual(['de', 'en']);
  });

  it('names no language at words and segments of a recording in one language', () => {
    const { segments } = assemble([chunk(0, 'en', 'We go'), chunk(10, 'en', 'on and on.')]);
    expect(segments).toHaveLength(1);
    expect(segments[0]).not.toHaveProperty('language');
    expect(segments[0]?.words[0]).not.toHaveProperty('language');
  });

  it('says English of a translation, beside the shares of what was spoken', () => {
    const chunks = [chunk(0, 'de', 'Good morning.'), chunk(10, 'fr', 'Good evening.')];
    const transcript = assemble(chunks, { task: 'translate' });
    expect(transcript.language).toBe('en');
    expect(transcript.languages.map(({ language }) => language).toSorted()).toEqual(['de', 'fr']);
    expect(transcript.segments[0]).not.toHaveProperty('language');
    expect(transcript.warnings).toEqual([]);
  });

  it('warns where the model was not made to translate', () => {
    const options = { task: 'translate', model: 'large-v3-turbo' } as const;
    const { warnings } = assemble([chunk(0, 'de', 'Guten Morgen.')], options);
    expect(warnings).toEqual([expect.stringContaining('large-v3-turbo')]);
    expect(assemble([chunk(0, 'en', 'Good morning.')], options).warnings).toEqual([]);
  });

  it('falls back on what was asked for, then on the hint, where nothing was said', () => {
    expect(assemble([]).language).toBe('fr');
    expect(assemble([], { language: 'de' }).language).toBe('de');
  });
});
