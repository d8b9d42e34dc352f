/**
 * Whisper's text decoder with the whole search inside the graph: audio features and a prompt go in, the best
 * hypothesis of each item comes out, with one call a batch.
 *
 * Source: arXiv 2212.04356, figure 1, right half; weight names as in the Hugging Face layout.
 *
 * | input | shape | |
 * |---|---|---|
 * | audio_features | (B, F, width) | from the encoder |
 * | audio_frames | (B) | how many of the F frames hold audio; the rest is padding |
 * | prompt | (B, P) | `[<|startofprev|>, …,] <|startoftranscript|>, language, task, <|notimestamps|>` |
 * | sot_index | () | where `<|startoftranscript|>` stands |
 * | beam_width | (1) | K: live beams, or independent samples when temperature > 0 |
 * | max_new_tokens | () | at least 1 |
 * | length_penalty, temperature | () | |
 * | uniforms | (S, B, K) | one draw from [0, 1) for each sampled token; unused at temperature 0 |
 * | suppress, suppress_begin | (V) | added to the logits: of every step, of the first |
 * | align | () | whether to give alignment weights |
 * | detect_language | () | only `language_probs` is wanted; `prompt` is then `<|startoftranscript|>` alone. Multilingual models only |
 *
 * Outputs: `tokens`, `token_log_probs` (B, T), `lengths` (B), `sum_log_prob` (B), `no_speech_prob` (B),
 * `language_probs` (B, languages), `alignment` (B, T + 1, F).
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import { cast, gather, int, sizeOf, slice, softmax, squeeze } from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { audioKeysValues } from './cross-attention.ts';
import { project } from './layers.ts';
import { alignmentWeights } from './whisper-aligner.ts';
import type { WhisperConfig } from './whisper-config.ts';
import { embedTokens, finalNorm } from './whisper-decoder-ends.ts';
import { decoderLayers, EMBEDDING, prefillAttention } from './whisper-decoder-layers.ts';
import { languageProbabilities } from './whisper-language.ts';
import { type SearchInputs, searchInputs, searchLoop } from './whisper-search.ts';

export function buildWhisperDecoder(
  model: ModelBuilder,
  config: WhisperConfig,
  precision: Precision,
): void {
  const g = model.graph;
  const inputs: DecoderInputs = {
    features: g.input('audio_features', 'float32', ['batch', 'frames', config.width]),
    audioFrames: g.input('audio_frames', 'int64', ['batch']),
    prompt: g.input('prompt', 'int64', ['batch', 'prompt_tokens']),
    sotIndex: g.input('sot_index', 'int64', []),
    search: searchInputs(g, config),
    align: g.input('align', 'bool', []),
  };
  const net = { config, precision };
  if (config.languages.length === 0) {
    declareText(g, decodeText(g, inputs, net));
    return;
  }
  const [languageProbs, ...text] = g.if(
    g.input('detect_language', 'bool', []),
    (then) => [languageProbabilities(then, inputs.features, inputs.prompt, net), ...noText(then)],
    (otherwise) => [empty(otherwise, 'float32', 2), ...decodeText(otherwise, inputs, net)],
  );
  if (languageProbs) g.output('language_probs', languageProbs, ['language_batch', 'languages']);
  declareText(g, text);
}

interface DecoderInputs {
  readonly features: Value;
  readonly audioFrames: Value;
  readonly prompt: Value;
  readonly sotIndex: Value;
  readonly search: SearchInputs;
  readonly align: Value;
}

/** Names, types and ranks of what decoding gives, in order. */
const TEXT_OUTPUTS = [
  ['tokens', 'int64', ['batch', 'tokens']],
  ['token_log_probs', 'float32', ['batch', 'tokens']],
  ['lengths', 'int64', ['batch']],
  ['sum_log_prob', 'float32', ['batch']],
  ['no_speech_prob', 'float32', ['batch']],
  ['alignment', 'float32', ['batch', 'rows', 'aligned_frames']],
] as const;

function declareText(g: GraphBuilder, values: readonly Value[]): void {
  TEXT_OUTPUTS.forEach(([name, , dims], i) => {
    const value = values[i];
    if (!value) throw new Error(`decoding gives no ${name}`);
    g.output(name, value, dims);
  });
}

function noText(g: GraphBuilder): Value[] {
  return TEXT_OUTPUTS.map(([, type, dims]) => empty(g, type, dims.length));
}

/** The values of `TEXT_OUTPUTS`. */
function decodeText(
  g: GraphBuilder,
  inputs: DecoderInputs,
  { config, precision }: { config: WhisperConfig; precision: Precision },
): Value[] {
  const { features, prompt, audioFrames } = inputs;
  const net = { config, precision, cross: audioKeysValues(g, features, config, precision) };
  const prefill = g.within('prefill', () => {
    const attention = prefillAttention(g, sizeOf(g, prompt, 1), config);
    const x = decoderLayers(g, embedTokens(g, prompt, int(g, 0), net), net, attention);
    return { hidden: finalNorm(g, x), caches: attention.caches };
  });
  const sot = gather(g, prefill.hidden, inputs.sotIndex, 1);
  const logits = cast(g, project(g, sot, EMBEDDING, null, precision), 'float32');
  const noSpeech = gather(g, softmax(g, logits), int(g, config.noSpeechToken), 1);

  const best = g.within('search', () =>
    searchLoop(g, inputs.search, net, {
      prompt,
      hidden: lastOf(g, prefill.hidden),
      caches: prefill.caches,
    }),
  );
  const alignment = g.if(
    inputs.align,
    (then) => [alignmentWeights(then, { prompt, audioFrames, ...best }, net)],
    (otherwise) => [empty(otherwise, 'float32', 3)],
  );
  const { tokens, tokenLogProbs, lengths, sumLogProb } = best;
  return [tokens, tokenLogProbs, lengths, sumLogProb, noSpeech, ...alignment];
}

/** (B, P, width) → (B, width) */
function lastOf(g: GraphBuilder, hidden: Value): Value {
  return squeeze(g, slice(g, hidden, 1, -1), 1);
}

/** A tensor without elements. */
function empty(g: GraphBuilder, type: 'float32' | 'int64', rank: number): Value {
  const dims = new Array<number>(rank).fill(0);
  return g.model.inline(`empty/${type}/${rank}`, type, dims, new Uint8Array());
}
