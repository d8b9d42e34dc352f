import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadWhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import { writeTinyTokenizer } from '#test/support/tiny-whisper-tokenizer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  await writeTinyTokenizer(join(root, 'multi'), { languages: ['en', 'de', 'yue'] });
  await writeTinyTokenizer(join(root, 'unmapped'), {
    languages: ['en', 'de', 'yue'],
    withoutLanguageMap: true,
  });
  await writeTinyTokenizer(join(root, 'english'), { languages: [] });
});
afterAll(() => rm(root, { recursive: true }));

const load = (name: string) => loadWhisperTokenizer(join(root, name));

describe('loadWhisperTokenizer', () => {
  it('gives back any text that is encoded and decoded', async () => {
    const tokenizer = await load('multi');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('keeps a byte order mark, which is text like any other', async () => {
    const tokenizer = await load('multi');
    expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa');
  });

  it('merges bytes as the merge list says', async () => {
    const tokenizer = await load('multi');
    expect(tokenizer.encode(' and')).toEqual([258]);
    expect(tokenizer.decode([258, 258])).toBe(' and and');
  });

  it('keeps a space before punctuation', async () => {
    const tokenizer = await load('multi');
    expect(tokenizer.decode(tokenizer.encode(' Bonjour !'))).toBe(' Bonjour !');
  });

  it('marks a character whose bytes are cut with U+FFFD, and only that one', async () => {
    const tokenizer = await load('multi');
    const ids = tokenizer.encode('aß日');
    expect(ids).toHaveLength(6);
    expect(tokenizer.decode(ids.slice(0, -1))).toBe('aß\ufffd');
    expect(tokenizer.decode(ids.slice(0, 3))).toBe('aß');
  });

  it('takes the name of a special token in a text as text', async () => {
    const tokenizer = await load('multi');
    const ids = tokenizer.encode('<|endoftext|>');
    expect(Math.max(...ids)).toBeLessThan(tokenizer.special.endOfText);
    expect(tokenizer.decode(ids)).toBe('<|endoftext|>');
  });

  it('decodes special tokens and timestamps to nothing', async () => {
    const { decode, special } = await load('multi');
    expect(decode([special.startOfTranscript, 64, special.timestampBegin + 7])).toBe('a');
  });

  it.each(['multi', 'unmapped'])(
    'finds the languages of a model from its files (%s)',
    async (name) => {
      const { languageIds, special, isMultilingual } = await load(name);
      expect(isMultilingual).toBe(true);
      expect([...languageIds.keys()]).toEqual(['en', 'de', 'yue']);
      expect(languageIds.get('en')).toBe(special.startOfTranscript + 1);
      expect(languageIds.get('yue')).toBe(special.translate - 1);
    },
  );

  it('knows no languages of an English-only model', async () => {
    const { languageIds, isMultilingual, special } = await load('english');
    expect(isMultilingual).toBe(false);
    expect(languageIds.size).toBe(0);
    expect(special.transcribe).toBe(special.startOfTranscript + 2);
  });

  it('suppresses what the files list and every special token but the end', async () => {
    const { suppressTokens, beginSuppressTokens, special } = await load('multi');
    expect(suppressTokens).toEqual(expect.arrayContaining([1, 2, special.noTimestamps]));
    expect(suppressTokens).toContain(special.startOfPrevious);
    expect(suppressTokens).not.toContain(special.endOfText);
    expect(beginSuppressTokens).toEqual([220, special.endOfText]);
  });

  it('says which token a foreign tokenizer lacks', async () => {
    await writeTinyTokenizer(join(root, 'foreign'), { languages: ['en'] });
    const path = join(root, 'foreign', 'tokenizer.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('<|nospeech|>', '<|other|>'));
    await expect(load('foreign')).rejects.toThrow('no <|nospeech|> or <|nocaptions|> token');
  });

  it('says which file is not a Whisper model’s', async () => {
    await writeTinyTokenizer(join(root, 'broken'), { languages: ['en'] });
    await writeFile(join(root, 'broken', 'config.json'), '{"vocab_size": 10}');
    await expect(load('broken')).rejects.toThrow(/config\.json.*\n.*max_target_positions/s);
  });
});
