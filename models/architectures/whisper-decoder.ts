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
 * | length_penalty | () | |
 * | temperature | (B) | all 0: beam search; all above 0: sampling |
 * | uniforms | (S, B, K) | one draw from [0, 1) for each sampled token; unused at temperature 0 |
 * | suppress, suppress_begin | (V) | added to the logits: of every step, of the first |
 * | align | () | whether to give alignment weights |
 *
 * Outputs: `tokens`, `token_log_probs` (B, T), `lengths` (B), `sum_log_prob` (B), `no_speech_prob` (B),
 * `alignment` (B, T + 1, F).
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
import { searchInputs, searchLoop } from './whisper-search.ts';

export function buildWhisperDecoder(
  model: ModelBuilder,
  config: WhisperConfig,
  precision: Precision,
): void {
  const g = model.graph;
  const features = g.input('audio_features', 'float32', ['batch', 'frames', config.width]);
  const audioFrames = g.input('audio_frames', 'int64', ['batch']);
  const prompt = g.input('prompt', 'int64', ['batch', 'prompt_tokens']);
  const sotIndex = g.input('sot_index', 'int64', []);
  const search = searchInputs(g, config);
  const align = g.input('align', 'bool', []);

  const net = { config, precision, cross: audioKeysValues(g, features, config, precision) };
  const prefill = g.within('prefill', () => {
    const attention = prefillAttention(g, sizeOf(g, prompt, 1), config);
    const x = decoderLayers(g, embedTokens(g, prompt, int(g, 0), net), net, attention);
    return { hidden: finalNorm(g, x), caches: attention.caches };
  });
  const sot = gather(g, prefill.hidden, sotIndex, 1);
  const logits = cast(g, project(g, sot, EMBEDDING, null, precision), 'float32');
  const noSpeech = gather(g, softmax(g, logits), int(g, config.noSpeechToken), 1);
  g.output('no_speech_prob', noSpeech, ['batch']);

  const { hidden, caches } = prefill;
  const start = { prompt, hidden: lastOf(g, hidden), caches };
  const best = g.within('search', () => searchLoop(g, search, net, start));
  g.output('tokens', best.tokens, ['batch', 'tokens']);
  g.output('token_log_probs', best.tokenLogProbs, ['batch', 'tokens']);
  g.output('lengths', best.lengths, ['batch']);
  g.output('sum_log_prob', best.sumLogProb, ['batch']);
  const [alignment] = g.if(
    align,
    (then) => [alignmentWeights(then, { prompt, audioFrames, ...best }, net)],
    (otherwise) => [noAlignment(otherwise)],
  );
  if (alignment) g.output('alignment', alignment, ['batch', 'rows', 'aligned_frames']);
}

/** (B, P, width) → (B, width) */
function lastOf(g: GraphBuilder, hidden: Value): Value {
  return squeeze(g, slice(g, hidden, 1, -1), 1);
}

/** float32 of shape (0, 0, 0). */
function noAlignment(g: GraphBuilder): Value {
  return g.model.inline('no_alignment', 'float32', [0, 0, 0], new Uint8Array());
}
