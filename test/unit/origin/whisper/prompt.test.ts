import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrompt } from '#origin/whisper/prompt.ts';
import { loadWhisperTokenizer, type WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import { writeTinyTokenizer } from '#test/support/tiny-whisper-tokenizer.ts';

let root: string;
let tokenizer: WhisperTokenizer;
let english: WhisperTokenizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'prompt-'));
  await writeTinyTokenizer(join(root, 'multi'), { languages: ['en', 'de'] });
  await writeTinyTokenizer(join(root, 'english'), { languages: [] });
  tokenizer = await loadWhisperTokenizer(join(root, 'multi'));
  english = await loadWhisperTokenizer(join(root, 'english'));
});
afterAll(() => rm(root, { recursive: true }));

const german = { language: 'de', task: 'transcribe' } as const;

describe('buildPrompt', () => {
  it('names language and task between start and no-timestamps', () => {
    const { special, languageIds } = tokenizer;
    expect(buildPrompt({ tokenizer, ...german })).toEqual({
      promptIds: [
        special.startOfTranscript,
        languageIds.get('de'),
        special.transcribe,
        special.noTimestamps,
      ],
      sotIndex: 0,
    });
    const translated = buildPrompt({ tokenizer, language: 'de', task: 'translate' });
    expect(translated.promptIds[2]).toBe(special.translate);
  });

  it('leaves language and task out for an English-only model', () => {
    const { promptIds } = buildPrompt({ tokenizer: english, ...german });
    expect(promptIds).toEqual([english.special.startOfTranscript, english.special.noTimestamps]);
  });

  it('puts hotwords, then the prompt, each with one leading space, before the start', () => {
    const { promptIds, sotIndex } = buildPrompt({
      tokenizer,
      ...german,
      prompt: '  zuvor ',
      hotwords: 'Köln',
    });
    expect(promptIds[0]).toBe(tokenizer.special.startOfPrevious);
    expect(promptIds[sotIndex]).toBe(tokenizer.special.startOfTranscript);
    expect(tokenizer.decode(promptIds.slice(1, sotIndex))).toBe(' Köln zuvor');
  });

  it('takes a blank prompt and blank hotwords as absent', () => {
    expect(buildPrompt({ tokenizer, ...german, prompt: ' \n', hotwords: '' }).sotIndex).toBe(0);
  });

  it('keeps the last 223 tokens of a long prompt', () => {
    const prompt = `${'x'.repeat(500)}fin`;
    const { promptIds, sotIndex } = buildPrompt({ tokenizer, ...german, prompt });
    expect(sotIndex).toBe(224);
    expect(tokenizer.decode(promptIds.slice(0, sotIndex))).toBe(`${'x'.repeat(220)}fin`);
  });

  it('gives a long prompt half the room when the hotwords fill the rest', () => {
    const { promptIds, sotIndex } = buildPrompt({
      tokenizer,
      ...german,
      prompt: 'p'.repeat(500),
      hotwords: 'h'.repeat(500),
    });
    const context = tokenizer.decode(promptIds.slice(0, sotIndex));
    expect(context).toBe(` ${'h'.repeat(110)}${'p'.repeat(112)}`);
  });

  it('never has more than 223 tokens of context', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 400 }),
        fc.string({ maxLength: 400 }),
        (prompt, hotwords) => {
          const { sotIndex } = buildPrompt({ tokenizer, ...german, prompt, hotwords });
          expect(sotIndex).toBeLessThanOrEqual(224);
        },
      ),
    );
  });

  it('refuses a language the model does not know and names those it does', () => {
    expect(() => buildPrompt({ tokenizer, language: 'xx', task: 'transcribe' })).toThrow(
      'no language "xx"; it knows en, de',
    );
  });
});
