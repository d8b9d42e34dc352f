/** Model folders of any Whisper's dimensions, without its training: to try that a size builds, loads and runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WhisperDimensions } from '#models/model-size.ts';
import {
  encodeFloats,
  type TensorShape,
  writeSafetensors,
  writeSparseSafetensors,
} from '#models/safetensors-write.ts';
import { configOf, whisperTensors } from '#test/support/whisper-weights.ts';

export interface ModelFill {
  readonly dtype: 'F16' | 'F32';
  /** `zeros` take next to no disk space; `random` are small, the same each time. */
  readonly weights: 'zeros' | 'random';
}

const ENGLISH_VOCABULARY = 51_864;

/** Writes config.json, generation_config.json and model.safetensors. */
export function writeModelOfSize(dir: string, dims: WhisperDimensions, fill: ModelFill): void {
  mkdirSync(dir, { recursive: true });
  const configs = { 'config.json': configOf(dims), 'generation_config.json': generationOf(dims) };
  for (const [name, value] of Object.entries(configs)) {
    writeFileSync(join(dir, name), JSON.stringify(value));
  }
  const path = join(dir, 'model.safetensors');
  const tensors = whisperTensors(dims, fill.dtype);
  if (fill.weights === 'zeros') {
    writeSparseSafetensors(path, tensors);
    return;
  }
  const block = encodeFloats(randomBlock(), fill.dtype);
  writeSafetensors(
    path,
    tensors.map((tensor) => ({ ...tensor, data: repeat(block, tensor) })),
  );
}

/** Token ids as in the published vocabularies: one language each between `<|startoftranscript|>` and the task. */
function generationOf({ vocabSize }: WhisperDimensions): object {
  if (vocabSize === ENGLISH_VOCABULARY) {
    return { eos_token_id: 50_256, no_timestamps_token_id: 50_362 };
  }
  // 99 languages with a vocabulary of 51,865; each further token is a further language.
  const languages = Array.from({ length: 99 + vocabSize - 51_865 }, (_, i) => [
    `<|language${i}|>`,
    50_259 + i,
  ]);
  return {
    eos_token_id: 50_257,
    no_timestamps_token_id: 50_363 + vocabSize - 51_865,
    lang_to_id: Object.fromEntries(languages),
  };
}

const BLOCK_VALUES = 1_048_573;

/** Values in [-0.02, 0.02), by a linear congruential generator (constants of Numerical Recipes). */
function randomBlock(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: BLOCK_VALUES }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 0.02 * (state / 2 ** 31 - 1);
  });
}

/** The block again and again, until the tensor is full. */
function* repeat(block: ArrayBufferView, { shape, dtype }: TensorShape): Iterable<Uint8Array> {
  const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  let left = shape.reduce((product, size) => product * size, dtype === 'F32' ? 4 : 2);
  for (; left > 0; left -= bytes.length) yield bytes.subarray(0, Math.min(left, bytes.length));
}
