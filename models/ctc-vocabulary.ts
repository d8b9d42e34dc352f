/** The signs that a CTC model can hear, read from `vocab.json` and what stands beside it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

import { ModelError } from '#models/model-error.ts';

export interface CtcVocabulary {
  /** Stands for "no sign in this frame". */
  readonly blankId: number;
  /** The sign between words, mostly `|`; null where the model has none. */
  readonly wordDelimiterId: number | null;
  /** Stands for signs that the model does not know; null where it has none. */
  readonly unknownId: number | null;
  /** Spoken signs as the model spells them; neither the special tokens nor the word delimiter. */
  readonly ids: ReadonlyMap<string, number>;
  /** Which letters the model knows. `none`: its script has no capitals. */
  readonly letterCase: 'upper' | 'lower' | 'both' | 'none';
  /** Number of tokens, special ones included: the ids are below it. */
  readonly size: number;
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_TOKENS = 200_000;

const Ids = z.record(z.string(), z.int().nonnegative().max(MAX_TOKENS));
/** One list of signs, or one for each language. */
const VocabJson = z.union([Ids, z.record(z.string(), Ids)]);
const Token = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const TokenizerConfig = z.looseObject({
  word_delimiter_token: Token,
  unk_token: Token,
  pad_token: Token,
  bos_token: Token,
  eos_token: Token,
  target_lang: z.string().nullish(),
});
const Config = z.looseObject({
  vocab_size: z.int().positive().max(MAX_TOKENS).default(32),
  pad_token_id: z.int().nonnegative().default(0),
});

/** `<pad>`, `[UNK]`, `</s>` and the like. */
const SPECIAL = /^(<.+>|\[.+\])$/;

/**
 * Reads the vocabulary of a model folder: `config.json`, `vocab.json` and, where it is there, `tokenizer_config.json`.
 * @param language the list to take, where there is one for each language; default: the one that the folder names
 * @throws ModelError `not-found` or `bad-manifest`, naming the file
 */
export function readCtcVocabulary(folder: string, language?: string): CtcVocabulary {
  const { vocab_size: size, pad_token_id: blankId } = read(join(folder, 'config.json'), Config);
  const path = join(folder, 'vocab.json');
  const tokenizerPath = join(folder, 'tokenizer_config.json');
  const tokenizer = existsSync(tokenizerPath) ? read(tokenizerPath, TokenizerConfig) : {};
  const named = language ?? tokenizer.target_lang ?? undefined;
  const tokens = tokensOf(path, read(path, VocabJson), named);
  if (tokens.length === 0) throw broken(path, 'it holds no tokens');
  const tooLarge = tokens.find(([, id]) => id >= size);
  if (tooLarge !== undefined) {
    throw broken(
      path,
      `token ${JSON.stringify(tooLarge[0].slice(0, 20))} has id ${tooLarge[1]} of ${size}`,
    );
  }
  return arrange(new Map(tokens), { blankId, size, tokenizer });
}

/** The id of a character in the case that the model knows; undefined where it has no sign for it. */
export function signIdOf({ ids }: CtcVocabulary, character: string): number | undefined {
  return ids.get(character) ?? ids.get(character.toLowerCase()) ?? ids.get(character.toUpperCase());
}

interface Surroundings {
  readonly blankId: number;
  readonly size: number;
  readonly tokenizer: Partial<z.infer<typeof TokenizerConfig>>;
}

function arrange(tokens: ReadonlyMap<string, number>, around: Surroundings): CtcVocabulary {
  const { blankId, size, tokenizer } = around;
  const delimiter = [textOf(tokenizer.word_delimiter_token), '|', ' '].find((token) => {
    return token !== undefined && tokens.has(token) && tokens.get(token) !== blankId;
  });
  const unknown =
    textOf(tokenizer.unk_token) ?? ['<unk>', '[UNK]'].find((token) => tokens.has(token));
  const configured = [
    tokenizer.unk_token,
    tokenizer.pad_token,
    tokenizer.bos_token,
    tokenizer.eos_token,
  ];
  const special = new Set([...configured.map(textOf), delimiter]);
  const ids = new Map(
    [...tokens].filter(([token, id]) => {
      return id !== blankId && !special.has(token) && !SPECIAL.test(token);
    }),
  );
  return {
    blankId,
    wordDelimiterId: delimiter === undefined ? null : (tokens.get(delimiter) ?? null),
    unknownId: unknown === undefined ? null : (tokens.get(unknown) ?? null),
    ids,
    letterCase: letterCaseOf(ids.keys()),
    size,
  };
}

function letterCaseOf(signs: Iterable<string>): CtcVocabulary['letterCase'] {
  let [hasUpper, hasLower] = [false, false];
  for (const sign of signs) {
    hasUpper ||= sign !== sign.toLowerCase();
    hasLower ||= sign !== sign.toUpperCase();
  }
  if (hasUpper && hasLower) return 'both';
  if (hasUpper) return 'upper';
  return hasLower ? 'lower' : 'none';
}

function tokensOf(
  path: string,
  vocab: z.infer<typeof VocabJson>,
  language: string | undefined,
): [string, number][] {
  const entries = Object.entries(vocab);
  const flat = entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  if (flat.length === entries.length) return checkedCount(path, flat);
  const found =
    entries.find(([name]) => name === language) ?? (entries.length === 1 ? entries[0] : undefined);
  if (found !== undefined && typeof found[1] !== 'number') {
    return checkedCount(path, Object.entries(found[1]));
  }
  const asked = language === undefined ? 'none was named' : JSON.stringify(language.slice(0, 20));
  throw broken(path, `it has a list for each of ${entries.length} languages, and ${asked}`);
}

function checkedCount(path: string, tokens: [string, number][]): [string, number][] {
  if (tokens.length > MAX_TOKENS) throw broken(path, `it holds ${tokens.length} tokens`);
  return tokens;
}

function textOf(token: z.infer<typeof Token>): string | undefined {
  return typeof token === 'string' ? token : token?.content;
}

function read<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  if (!existsSync(path)) throw new ModelError('not-found', `${path} does not exist.`);
  const { size } = statSync(path);
  if (size > MAX_FILE_BYTES) throw broken(path, `its ${size} bytes are over the limit`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw broken(path, 'it is not JSON', cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw broken(path, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
}

function broken(path: string, why: string, cause?: unknown): ModelError {
  return new ModelError('bad-manifest', `${path} cannot be used: ${why}.`, { cause });
}
