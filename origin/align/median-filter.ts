/**
 * Median of each row's values in a window, ends reflected without repeating the edge. Takes single odd frames
 * out of the attention before the path is searched. Width 7 is openai/whisper's.
 *
 * @param weights row-major (rows, frames)
 * @param width odd; rows of at most half as many frames are returned as they are
 * @returns a new array of the same shape
 */
export function medianFilter(
  weights: Float32Array,
  shape: { readonly rows: number; readonly frames: number },
  width = 7,
): Float32Array {
  const { rows, frames } = shape;
  const half = width >> 1;
  if (frames <= half) return weights.slice();
  const out = new Float32Array(rows * frames);
  const padded = new Float32Array(frames + 2 * half);
  const sorted = new Float32Array(width);
  for (let row = 0; row < rows; row++) {
    reflect(weights.subarray(row * frames, (row + 1) * frames), half, padded);
    for (let slot = 0; slot < width; slot++) insertSorted(sorted, slot, padded[slot]!);
    out[row * frames] = sorted[half]!;
    for (let frame = 1; frame < frames; frame++) {
      replaceSorted(sorted, padded[frame - 1]!, padded[frame + width - 1]!);
      out[row * frames + frame] = sorted[half]!;
    }
  }
  return out;
}

function reflect(row: Float32Array, half: number, padded: Float32Array): void {
  padded.set(row, half);
  const last = row.length - 1;
  for (let i = 1; i <= half; i++) {
    padded[half - i] = row[i]!;
    padded[half + last + i] = row[last - i]!;
  }
}

function insertSorted(sorted: Float32Array, length: number, value: number): void {
  let slot = length;
  while (slot > 0 && sorted[slot - 1]! > value) {
    sorted[slot] = sorted[slot - 1]!;
    slot--;
  }
  sorted[slot] = value;
}

/** Moves the one value that leaves the window over to where the new one belongs. */
function replaceSorted(sorted: Float32Array, leaving: number, entering: number): void {
  const last = sorted.length - 1;
  let slot = 0;
  // By hand: over seven values a built-in search costs more than the search itself.
  while (slot < last && sorted[slot] !== leaving) slot++;
  while (slot > 0 && sorted[slot - 1]! > entering) {
    sorted[slot] = sorted[slot - 1]!;
    slot--;
  }
  while (slot < last && sorted[slot + 1]! < entering) {
    sorted[slot] = sorted[slot + 1]!;
    slot++;
  }
  sorted[slot] = entering;
}
