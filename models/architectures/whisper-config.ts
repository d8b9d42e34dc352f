import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The members of a Hugging Face `config.json` (model_type "whisper") that shape the graphs. */
const ConfigJson = z.object({
  model_type: z.literal('whisper'),
  d_model: z.int().positive(),
  encoder_layers: z.int().positive(),
  encoder_attention_heads: z.int().positive(),
  decoder_layers: z.int().positive(),
  decoder_attention_heads: z.int().positive(),
  num_mel_bins: z.int().positive(),
  vocab_size: z.int().positive(),
  max_source_positions: z.int().positive(),
  max_target_positions: z.int().positive(),
});

/** The members of `generation_config.json` that shape the graphs. English-only models have no languages. */
const GenerationConfigJson = z.object({
  alignment_heads: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).optional(),
  eos_token_id: z.union([z.int(), z.array(z.int()).min(1)]).optional(),
  lang_to_id: z.record(z.string(), z.int()).optional(),
  no_timestamps_token_id: z.int().optional(),
});

/** Sizes and token ids of one Whisper model. */
export interface WhisperConfig {
  readonly width: number;
  readonly encoder: { readonly layers: number; readonly heads: number };
  readonly decoder: { readonly layers: number; readonly heads: number };
  readonly melBins: number;
  readonly vocabularySize: number;
  /** Audio positions of 20 ms: 1500. */
  readonly audioFrames: number;
  /** Longest token sequence, prompt included: 448. */
  readonly maxTokens: number;
  /** (layer, head) pairs whose cross-attention follows the audio. */
  readonly alignmentHeads: readonly (readonly [number, number])[];
  readonly endToken: number;
  readonly noSpeechToken: number;
  /** Ascending by token; empty for English-only models. */
  readonly languages: readonly { readonly code: string; readonly token: number }[];
}

/**
 * Reads `config.json` and `generation_config.json` of a model folder.
 * @throws Error naming the file and the faulty member.
 */
export function readWhisperConfig(folder: string): WhisperConfig {
  const config = readJson(join(folder, 'config.json'), ConfigJson);
  const generation = readJson(join(folder, 'generation_config.json'), GenerationConfigJson);
  const endToken = [generation.eos_token_id ?? 50_257].flat()[0] ?? 50_257;
  const languages = Object.entries(generation.lang_to_id ?? {})
    .map(([name, token]) => ({ code: name.replace(/^<\|(.*)\|>$/, '$1'), token }))
    .sort((a, b) => a.token - b.token);
  // <|nospeech|> stands right before <|notimestamps|> in every Whisper vocabulary.
  const noTimestamps = generation.no_timestamps_token_id ?? (languages.length ? 50_363 : 50_362);
  return {
    width: config.d_model,
    encoder: { layers: config.encoder_layers, heads: config.encoder_attention_heads },
    decoder: { layers: config.decoder_layers, heads: config.decoder_attention_heads },
    melBins: config.num_mel_bins,
    vocabularySize: config.vocab_size,
    audioFrames: config.max_source_positions,
    maxTokens: config.max_target_positions,
    alignmentHeads: generation.alignment_heads ?? upperHalfHeads(config),
    endToken,
    noSpeechToken: noTimestamps - 1,
    languages,
  };
}

/** Width of one attention head of the decoder. */
export function headSizeOf(config: WhisperConfig): number {
  return config.width / config.decoder.heads;
}

/** Without a published list: every head of the upper half of the decoder, as openai/whisper does. */
function upperHalfHeads(config: z.infer<typeof ConfigJson>): [number, number][] {
  const heads: [number, number][] = [];
  for (let layer = config.decoder_layers >> 1; layer < config.decoder_layers; layer++) {
    for (let head = 0; head < config.decoder_attention_heads; head++) heads.push([layer, head]);
  }
  return heads;
}

function readJson<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
