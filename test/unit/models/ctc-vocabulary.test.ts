import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readCtcVocabulary, signIdOf } from '#models/ctc-vocabulary.ts';
import { ModelError } from '#models/model-error.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

function read(
  vocab: unknown,
  others: { config?: object; tokenizer?: object; language?: string } = {},
) {
  const dir = tempDir();
  const write = (name: string, value: unknown) =>
    writeFileSync(join(dir, name), JSON.stringify(value));
  write('config.json', others.config ?? { vocab_size: 32, pad_token_id: 0 });
  write('vocab.json', vocab);
  if (others.tokenizer) write('tokenizer_config.json', others.tokenizer);
  return readCtcVocabulary(dir, others.language);
}

const ENGLISH = { '<pad>': 0, '<s>': 1, '</s>': 2, '<unk>': 3, '|': 4, E: 5, T: 6, "'": 27 };

describe('readCtcVocabulary', () => {
  it('tells signs from special tokens and the word delimiter', () => {
    const vocabulary = read(ENGLISH);
    expect(vocabulary).toMatchObject({
      ...{ blankId: 0, wordDelimiterId: 4, unknownId: 3, letterCase: 'upper', size: 32 },
    });
    expect([...vocabulary.ids]).toEqual([
      ['E', 5],
      ['T', 6],
      ["'", 27],
    ]);
  });

  it('takes the blank from config.json, wherever it stands', () => {
    const vocab = { a: 0, b: 1, '[UNK]': 2, '[PAD]': 3 };
    const found = read(vocab, { config: { vocab_size: 4, pad_token_id: 3 } });
    expect(found).toMatchObject({ blankId: 3, unknownId: 2, wordDelimiterId: null });
    expect([...found.ids.keys()]).toEqual(['a', 'b']);
  });

  it('does not take the token called <pad> for the blank of MMS', () => {
    const vocab = { '<blank>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, a: 4 };
    const found = read(vocab);
    expect([found.blankId, [...found.ids.keys()]]).toEqual([0, ['a']]);
  });

  it('takes the word delimiter that tokenizer_config.json names', () => {
    const vocab = { '<pad>': 0, ' ': 1, a: 2 };
    const found = read(vocab, { tokenizer: { word_delimiter_token: { content: ' ' } } });
    expect(found.wordDelimiterId).toBe(1);
    expect(found.ids.has(' ')).toBe(false);
  });

  it.each([
    [{ deu: { '<pad>': 0, ä: 1 }, fra: { '<pad>': 0, é: 1 } }, 'fra', 'é'],
    [{ deu: { '<pad>': 0, ä: 1 } }, undefined, 'ä'],
  ])('takes the list of one language out of %j', (vocab, language, sign) => {
    const found = read(vocab, language === undefined ? {} : { language });
    expect([...found.ids.keys()]).toEqual([sign]);
  });

  it('takes the list of the language that the folder names', () => {
    const vocab = { deu: { '<pad>': 0, ä: 1 }, fra: { '<pad>': 0, é: 1 } };
    expect(read(vocab, { tokenizer: { target_lang: 'deu' } }).ids.has('ä')).toBe(true);
  });

  it.each([
    ['no tokens', {}, /holds no tokens/],
    ['an id beyond the model', { a: 32 }, /"a" has id 32 of 32/],
    ['ids that are no numbers', { a: 'b' }, /cannot be used/],
    ['a list', ['a'], /cannot be used/],
    ['many languages and none named', { deu: { a: 1 }, fra: { a: 1 } }, /2 languages, and none/],
  ])('refuses %s', (_, vocab, message) => {
    expect(() => read(vocab)).toThrow(message);
    expect(() => read(vocab)).toThrow(ModelError);
  });

  it('names a file that is missing', () => {
    expect(() => readCtcVocabulary(tempDir())).toThrow(/config\.json does not exist/);
  });

  it('does nothing but throw a ModelError at whatever JSON (property)', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const dir = tempDir();
        writeFileSync(join(dir, 'config.json'), '{}');
        writeFileSync(join(dir, 'vocab.json'), json);
        try {
          for (const id of readCtcVocabulary(dir).ids.values()) expect(id).toBeLessThan(32);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe('signIdOf', () => {
  it('finds a letter in the case that the model knows', () => {
    const vocabulary = read(ENGLISH);
    expect(['e', 'E', "'", 'ß', '|'].map((sign) => signIdOf(vocabulary, sign))).toEqual([
      ...[5, 5, 27, undefined, undefined],
    ]);
  });
});
