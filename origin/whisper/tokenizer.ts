import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { createByteVocabulary } from '#origin/whisper/byte-vocabulary.ts';

/** Text ↔ token ids, and the ids that steer the decoder. */
export interface WhisperTokenizer {
  /** Ids of plain text; special tokens in it are text like any other. The first call builds the encoder (~0.2 s). */
  encode(text: string): number[];
  /** Text of ids, without trimming; special tokens and timestamps give nothing. */
  decode(ids: Iterable<number>): string;
  readonly isMultilingual: boolean;
  /** Language code → id, in the model's order. Empty for English-only models. */
  readonly languageIds: ReadonlyMap<string, number>;
  readonly special: SpecialTokens;
  /** Never produced: what generation_config lists, and every special token but `<|endoftext|>`. */
  readonly suppressTokens: readonly number[];
  /** Not allowed as the first token: a lone space and the end. */
  readonly beginSuppressTokens: readonly number[];
  /** Tokens that prompt and text may have together: `n_text_ctx`, 448. */
  readonly maxTokens: number;
}

/** Ids of the tokens that are not text. */
export interface SpecialTokens {
  readonly endOfText: number;
  readonly startOfTranscript: number;
  readonly startOfPrevious: number;
  readonly noTimestamps: number;
  readonly noSpeech: number;
  readonly transcribe: number;
  readonly translate: number;
  /** `<|0.00|>`; each further id is 20 ms later. */
  readonly timestampBegin: number;
}

/**
 * Reads `tokenizer.json`, `generation_config.json` and `config.json` of a model directory. Everything is taken from
 * these files, so models with more languages (large-v3 has `yue`) need no change here.
 *
 * @throws Error when a file is missing or lacks what Whisper needs; the message names the file and the member
 */
export async function loadWhisperTokenizer(modelDirectory: string): Promise<WhisperTokenizer> {
  const [file, generation, config] = await Promise.all([
    readJson(modelDirectory, 'tokenizer.json', TokenizerFile),
    readJson(modelDirectory, 'generation_config.json', GenerationConfig),
    readJson(modelDirectory, 'config.json', ModelConfig),
  ]);
  const idOf = new Map(file.added_tokens.map(({ content, id }) => [content, id]));
  const special = readSpecialTokens(idOf);
  const isMultilingual = generation.is_multilingual ?? config.vocab_size >= MULTILINGUAL_VOCABULARY;
  const bytes = createByteVocabulary(file.model.vocab, special.endOfText);
  let encoder: Tokenizer | undefined;
  return {
    encode: (text) => {
      encoder ??= new Tokenizer({ ...file, added_tokens: [] }, {});
      return [...encoder.encode(text, { add_special_tokens: false }).ids];
    },
    decode: bytes.decode,
    isMultilingual,
    languageIds: isMultilingual ? readLanguages(generation.lang_to_id, idOf, special) : new Map(),
    special,
    suppressTokens: withSpecialTokens(generation.suppress_tokens, special),
    beginSuppressTokens: generation.begin_suppress_tokens ?? [
      ...spaceId(file.model.vocab),
      special.endOfText,
    ],
    maxTokens: config.max_target_positions,
  };
}

/** Vocabulary size from which openai/whisper calls a model multilingual. */
const MULTILINGUAL_VOCABULARY = 51_865;

const TokenizerFile = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int().nonnegative(), content: z.string() })),
  // Not checked entry by entry: 50,000 of them, and a wrong one only spells a wrong word.
  model: z.looseObject({ vocab: z.custom<Record<string, number>>(isRecord) }),
});

const GenerationConfig = z.looseObject({
  is_multilingual: z.boolean().optional(),
  lang_to_id: z.record(z.string(), z.int().nonnegative()).optional(),
  suppress_tokens: z.array(z.int()).nullish(),
  begin_suppress_tokens: z.array(z.int()).nullish(),
});

const ModelConfig = z.looseObject({
  vocab_size: z.int().positive(),
  max_target_positions: z.int().positive(),
});

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readJson<T>(directory: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(JSON.parse(await readFile(join(directory, name), 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${name} is not a Whisper model's: ${z.prettifyError(parsed.error)}`);
}

function readSpecialTokens(idOf: ReadonlyMap<string, number>): SpecialTokens {
  const find = (...names: string[]): number => {
    const id = names.map((name) => idOf.get(`<|${name}|>`)).find((found) => found !== undefined);
    if (id === undefined)
      throw new Error(`tokenizer.json has no <|${names.join('|> or <|')}|> token`);
    return id;
  };
  const noTimestamps = find('notimestamps');
  return {
    endOfText: find('endoftext'),
    startOfTranscript: find('startoftranscript'),
    startOfPrevious: find('startofprev'),
    noTimestamps,
    // The token's name changed in transformers 4.28; both name the same id.
    noSpeech: find('nospeech', 'nocaptions'),
    transcribe: find('transcribe'),
    translate: find('translate'),
    timestampBegin: noTimestamps + 1,
  };
}

/** From generation_config; else the tokens between `<|startoftranscript|>` and the tasks, where the languages stand. */
function readLanguages(
  fromConfig: Readonly<Record<string, number>> | undefined,
  idOf: ReadonlyMap<string, number>,
  special: SpecialTokens,
): Map<string, number> {
  const firstTask = Math.min(special.translate, special.transcribe);
  const entries = fromConfig
    ? Object.entries(fromConfig)
    : [...idOf].filter(([, id]) => id > special.startOfTranscript && id < firstTask);
  return new Map(
    entries
      .sort(([, a], [, b]) => a - b)
      .map(([token, id]) => [token.replace(/^<\|(.*)\|>$/, '$1'), id]),
  );
}

function withSpecialTokens(
  listed: readonly number[] | null | undefined,
  special: SpecialTokens,
): number[] {
  const ids = new Set((listed ?? []).filter((id) => id >= 0));
  for (let id = special.startOfTranscript; id <= special.noTimestamps; id++) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

function spaceId(vocabulary: Readonly<Record<string, number>>): number[] {
  const id = vocabulary['Ġ'];
  return id === undefined ? [] : [id];
}
