import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors } from '#models/safetensors.ts';
import { forcedAlign } from '#origin/align/ctc/forced-align.ts';

const REFERENCE = join(import.meta.dirname, '../../../shared/reference');
const MODELS = ['wav2vec2-tiny-base', 'wav2vec2-tiny-large'];
const isPresent = MODELS.every((name) => existsSync(join(REFERENCE, name)));
if (!isPresent) console.warn('Skipped: ../shared/reference/wav2vec2-tiny-* is absent.');

/** Log-softmax of each row, with a wildcard's column that nothing asks for. */
function logSoftmax(logits: Float32Array, width: number): Float32Array {
  const frames = logits.length / width;
  const out = new Float32Array(frames * (width + 1)).fill(Number.NEGATIVE_INFINITY);
  for (let frame = 0; frame < frames; frame++) {
    const row = logits.subarray(frame * width, (frame + 1) * width);
    const top = Math.max(...row);
    const norm = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
    row.forEach((value, column) => {
      out[frame * (width + 1) + column] = value - norm;
    });
  }
  return out;
}

/** 64-bit integers as `readRaw` gives them. */
function int64s(bytes: Uint8Array<ArrayBuffer>): number[] {
  return Array.from(new BigInt64Array(bytes.buffer), Number);
}

function expectedOf(name: string) {
  const store = openSafetensors(join(REFERENCE, name, 'expected.safetensors'));
  try {
    const width = store.tensors.get('logits')!.shape.at(-1)!;
    const isWide = store.tensors.get('alignment')!.dtype === 'I64';
    const alignment = store.readRaw('alignment');
    return {
      width: width + 1,
      logProbs: logSoftmax(store.readFloat32('logits'), width),
      targets: new Int32Array(store.readRaw('targets').buffer),
      alignment: isWide ? int64s(alignment) : Array.from(new Int32Array(alignment.buffer)),
      alignmentLogProbs: store.readFloat32('alignment_logprobs'),
    };
  } finally {
    store.close();
  }
}

describe.skipIf(!isPresent).each(MODELS)('forcedAlign on the emissions of %s', (name) => {
  it('finds the path of torchaudio.functional.forced_align', () => {
    const { width, logProbs, targets, alignment, alignmentLogProbs } = expectedOf(name);
    const frames = logProbs.length / width;
    const result = forcedAlign(
      { logProbs, frames, width, blankColumn: 0, delimiterColumn: null },
      { columns: targets, boundaries: new Uint8Array(targets.length + 1) },
    );
    if (!result.ok) throw new Error(result.error.reason);
    const columns = Array.from(result.value.targetOfFrame, (target) =>
      target < 0 ? 0 : targets[target]!,
    );
    expect(columns).toEqual(alignment);
    columns.forEach((column, frame) => {
      expect(logProbs[frame * width + column]).toBeCloseTo(alignmentLogProbs[frame]!, 4);
    });
    const total = alignmentLogProbs.reduce((sum, value) => sum + value, 0);
    expect(result.value.logProb).toBeCloseTo(total, 2);
  });
});
