/**
 * 16-bit floats to 32-bit ones and back. Widening float16 looks each of the 65,536 bit patterns up in a table, since a
 * large model has more than a billion of them.
 */

/** Widens IEEE 754 binary16 bit patterns into `target`, from `start` on. */
export function widenFloat16(bits: Uint16Array, target: Float32Array, start = 0): void {
  const out = new Uint32Array(target.buffer, target.byteOffset, target.length);
  const table = float16Table();
  for (let i = 0; i < bits.length; i++) out[start + i] = table[bits[i] ?? 0] ?? 0;
}

/** Widens bfloat16 bit patterns (the upper half of a binary32) into `target`, from `start` on. */
export function widenBfloat16(bits: Uint16Array, target: Float32Array, start = 0): void {
  const out = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) out[start + i] = (bits[i] ?? 0) << 16;
}

/** Rounds to binary16, ties to even; beyond ±65,504 (after rounding) the result is infinite. */
export function narrowToFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) out[i] = float16Bits(bits[i] ?? 0);
  return out;
}

/** Rounds to bfloat16, ties to even. */
export function narrowToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] ?? 0;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    // A NaN keeps its top bits and is made quiet: rounding could turn it into infinity.
    out[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

let cachedTable: Uint32Array | undefined;

function float16Table(): Uint32Array {
  if (cachedTable !== undefined) return cachedTable;
  const table = new Uint32Array(65_536);
  for (let half = 0; half < table.length; half++) table[half] = float32Bits(half);
  cachedTable = table;
  return table;
}

function float32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // Subnormal: shift until the leading one stands at the implicit bit.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent by 112, round the 13 dropped bits; a carry moves into the exponent.
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const roundUp = rest > half || (rest === half && (kept & 1) === 1);
  return sign | (kept + (roundUp ? 1 : 0));
}
