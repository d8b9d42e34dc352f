/**
 * What a model is built for.
 *
 * - `cpu`: 8-bit weights, float32 maths.
 * - `cpu-f32`: float32 throughout; the yardstick for accuracy.
 * - `cuda-f16`: float16 weights and maths; softmax, layer norm and logits in float32.
 */
export const MODEL_TARGETS = ['cpu', 'cpu-f32', 'cuda-f16'] as const;
export type ModelTarget = (typeof MODEL_TARGETS)[number];

/** How the weights of linear layers are stored and multiplied. */
export type LinearForm = 'float' | 'int8-dynamic' | 'int8-blocks';

/** Number formats of a graph. */
export interface Precision {
  /** Type of activations between layers. */
  readonly maths: 'float32' | 'float16';
  readonly linear: LinearForm;
}

const PRECISIONS: Readonly<Record<ModelTarget, Precision>> = {
  cpu: { maths: 'float32', linear: 'int8-dynamic' },
  'cpu-f32': { maths: 'float32', linear: 'float' },
  'cuda-f16': { maths: 'float16', linear: 'float' },
};

export function precisionOf(target: ModelTarget): Precision {
  return PRECISIONS[target];
}
