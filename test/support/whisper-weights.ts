/** Whisper checkpoints of any size with made-up weights, in the Hugging Face layout. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { WhisperDimensions } from '#models/model-size.ts';
import type { Dtype } from '#models/safetensors.ts';
import { encodeFloats, type TensorShape, writeSafetensors } from '#models/safetensors-write.ts';

/** The smallest model that has all parts: two layers on each side, one attention head of 64. */
export const SMALLEST: WhisperDimensions = {
  dModel: 64,
  encoderLayers: 2,
  decoderLayers: 2,
  vocabSize: 51_865,
  melBins: 80,
};

/** Name, type and shape of every tensor of a Whisper checkpoint. */
export function whisperTensors(dims: WhisperDimensions, dtype: Dtype = 'F16'): TensorShape[] {
  const { dModel: d, melBins, vocabSize } = dims;
  const tensors: TensorShape[] = [];
  const add = (name: string, ...shape: number[]) => {
    tensors.push({ name: `model.${name}`, dtype, shape });
  };
  add('decoder.embed_tokens.weight', vocabSize, d);
  add('decoder.embed_positions.weight', 448, d);
  for (let i = 0; i < dims.decoderLayers; i++) {
    addLayer(add, { prefix: `decoder.layers.${i}`, d, isDecoder: true });
  }
  addNorm(add, 'decoder.layer_norm', d);
  add('encoder.conv1.weight', d, melBins, 3);
  add('encoder.conv1.bias', d);
  add('encoder.conv2.weight', d, d, 3);
  add('encoder.conv2.bias', d);
  add('encoder.embed_positions.weight', 1500, d);
  for (let i = 0; i < dims.encoderLayers; i++) {
    addLayer(add, { prefix: `encoder.layers.${i}`, d, isDecoder: false });
  }
  addNorm(add, 'encoder.layer_norm', d);
  return tensors;
}

/** The folder of a model whose weights are small and random but always the same. */
export function writeWhisperFolder(dir: string, dims: WhisperDimensions = SMALLEST): void {
  mkdirSync(dir, { recursive: true });
  const next = randomNumbers(1);
  const tensors = whisperTensors(dims).map((tensor) => {
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length }, () => 0.1 * next());
    return { ...tensor, data: encodeFloats(values, 'F16') };
  });
  writeSafetensors(join(dir, 'model.safetensors'), tensors);
  const json = { 'config.json': configOf(dims), 'generation_config.json': GENERATION_CONFIG };
  for (const [name, value] of Object.entries({ ...json, 'tokenizer.json': {} })) {
    writeFileSync(join(dir, name), JSON.stringify(value));
  }
}

/** `config.json` of a model with these dimensions; attention heads have 64 values each, as in every Whisper. */
export function configOf(dims: WhisperDimensions): object {
  const heads = dims.dModel / 64;
  return {
    model_type: 'whisper',
    d_model: dims.dModel,
    encoder_layers: dims.encoderLayers,
    decoder_layers: dims.decoderLayers,
    encoder_attention_heads: heads,
    decoder_attention_heads: heads,
    encoder_ffn_dim: 4 * dims.dModel,
    decoder_ffn_dim: 4 * dims.dModel,
    num_mel_bins: dims.melBins,
    vocab_size: dims.vocabSize,
    max_source_positions: 1500,
    max_target_positions: 448,
  };
}

export const GENERATION_CONFIG = {
  alignment_heads: [[1, 0]],
  eos_token_id: 50_257,
  decoder_start_token_id: 50_258,
  no_timestamps_token_id: 50_363,
  is_multilingual: true,
  lang_to_id: { '<|en|>': 50_259, '<|zh|>': 50_260, '<|de|>': 50_261 },
  suppress_tokens: [1, 2, 7],
  begin_suppress_tokens: [220, 50_257],
};

type Add = (name: string, ...shape: number[]) => void;

function addLayer(
  add: Add,
  layer: { readonly prefix: string; readonly d: number; readonly isDecoder: boolean },
): void {
  const { prefix, d, isDecoder } = layer;
  for (const attention of isDecoder ? ['self_attn', 'encoder_attn'] : ['self_attn']) {
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      add(`${prefix}.${attention}.${projection}.weight`, d, d);
      if (projection !== 'k_proj') add(`${prefix}.${attention}.${projection}.bias`, d);
    }
    addNorm(add, `${prefix}.${attention}_layer_norm`, d);
  }
  add(`${prefix}.fc1.weight`, 4 * d, d);
  add(`${prefix}.fc1.bias`, 4 * d);
  add(`${prefix}.fc2.weight`, d, 4 * d);
  add(`${prefix}.fc2.bias`, d);
  addNorm(add, `${prefix}.final_layer_norm`, d);
}

function addNorm(add: Add, name: string, d: number): void {
  add(`${name}.weight`, d);
  add(`${name}.bias`, d);
}

/** Numbers in [-1, 1) by a linear congruential generator (constants of Numerical Recipes). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
