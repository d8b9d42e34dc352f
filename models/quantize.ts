/** 8-bit forms of weight matrices for the CPU. All take the published layout, row-major (outputs, inputs). */

export interface ColumnQuantized {
  /** Signed 8-bit, transposed for a right-hand operand: row-major (inputs, outputs). */
  readonly values: Int8Array;
  /** One scale an output: weight ≈ value × scale. */
  readonly scales: Float32Array;
}

/** Symmetric, one scale for each output channel; for `DynamicQuantizeMatMul`. */
export function quantizeColumns(
  weights: Float32Array,
  outputs: number,
  inputs: number,
): ColumnQuantized {
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const start = n * inputs;
    const scale = largestMagnitude(weights, start, start + inputs) / 127 || 1;
    scales[n] = scale;
    for (let k = 0; k < inputs; k++) {
      values[k * outputs + n] = Math.round(weights[start + k]! / scale);
    }
  }
  return { values, scales };
}

export interface BlockQuantized {
  /** Unsigned 8-bit around 128: row-major (outputs, blocks, blockSize). */
  readonly values: Uint8Array;
  /** Row-major (outputs, blocks). */
  readonly scales: Float32Array;
}

/** Symmetric, one scale for each run of `blockSize` inputs; for `MatMulNBits` with 8 bits. */
export function quantizeBlocks(
  weights: Float32Array,
  outputs: number,
  inputs: number,
  blockSize: number,
): BlockQuantized {
  if (inputs % blockSize !== 0) {
    throw new Error(`${inputs} inputs do not divide into blocks of ${blockSize}`);
  }
  const values = new Uint8Array(weights.length);
  const scales = new Float32Array((outputs * inputs) / blockSize);
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    const scale = largestMagnitude(weights, start, start + blockSize) / 127 || 1;
    scales[block] = scale;
    for (let i = start; i < start + blockSize; i++) {
      values[i] = Math.round(weights[i]! / scale) + 128;
    }
  }
  return { values, scales };
}

function largestMagnitude(values: Float32Array, from: number, to: number): number {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
