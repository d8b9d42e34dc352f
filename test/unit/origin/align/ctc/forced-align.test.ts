import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forcedAlign } from '#origin/align/ctc/forced-align.ts';
import type { AlignmentPath, EmissionMatrix } from '#origin/align/ctc/trellis.ts';

const LIKELY = -0.01;
const UNLIKELY = -8;

/** Emissions with one likely column a frame; the wildcard's is the best of all but the blank, column 0. */
function peaked(columns: readonly number[], width: number): EmissionMatrix {
  const logProbs = new Float32Array(columns.length * width).fill(UNLIKELY);
  columns.forEach((column, frame) => {
    logProbs[frame * width + column] = LIKELY;
    logProbs[frame * width + width - 1] = column === 0 ? UNLIKELY : LIKELY;
  });
  return { logProbs, frames: columns.length, width, blankColumn: 0, delimiterColumn: null };
}

function targetsOf(columns: readonly number[], boundaries: readonly number[] = []) {
  const flags = new Uint8Array(columns.length + 1);
  for (const index of boundaries) flags[index] = 1;
  return { columns: Int32Array.from(columns), boundaries: flags };
}

function pathOf(
  emissions: EmissionMatrix,
  columns: readonly number[],
  boundaries: readonly number[] = [],
): AlignmentPath {
  const result = forcedAlign(emissions, targetsOf(columns, boundaries));
  if (!result.ok) throw new Error(result.error.reason);
  return result.value;
}

const WIDTH = 7;

/** A valid path: signs 1 to 5 with their frames and the blanks after them (at least one before a repeated sign). */
const validPath = fc
  .record({
    leading: fc.nat(3),
    runs: fc.array(
      fc.record({
        sign: fc.integer({ min: 1, max: 5 }),
        frames: fc.integer({ min: 1, max: 3 }),
        blanks: fc.nat(3),
      }),
      { minLength: 1, maxLength: 40 },
    ),
  })
  .map(({ leading, runs }) => {
    const columns: number[] = new Array(leading).fill(0);
    const targetOfFrame: number[] = new Array(leading).fill(-1);
    runs.forEach(({ sign, frames, blanks }, index) => {
      const least = runs[index + 1]?.sign === sign ? 1 : 0;
      for (let i = 0; i < frames; i++) {
        columns.push(sign);
        targetOfFrame.push(index);
      }
      for (let i = 0; i < Math.max(blanks, least); i++) {
        columns.push(0);
        targetOfFrame.push(-1);
      }
    });
    return { columns, targetOfFrame, signs: runs.map((run) => run.sign) };
  });

describe('forcedAlign', () => {
  it('gives back the path that the emissions were made of', () => {
    fc.assert(
      fc.property(validPath, fc.boolean(), ({ columns, targetOfFrame, signs }, isOpen) => {
        const boundaries = isOpen ? signs.map((_, index) => index) : [];
        const path = pathOf(peaked(columns, WIDTH), signs, boundaries);
        expect(Array.from(path.targetOfFrame)).toEqual(targetOfFrame);
      }),
    );
  });

  it('keeps order and gives every target a frame, whatever the emissions', () => {
    const value = fc.oneof(
      fc.float({ noNaN: false, min: -50, max: 0 }),
      fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 5),
    );
    const scene = fc
      .record({ frames: fc.integer({ min: 1, max: 30 }), signs: fc.array(fc.nat(4)) })
      .chain(({ frames, signs }) =>
        fc.record({
          values: fc.array(value, { minLength: frames * 5, maxLength: frames * 5 }),
          signs: fc.constant(signs),
          boundaries: fc.subarray([...signs.keys(), signs.length]),
          delimiterColumn: fc.constantFrom(null, 1),
        }),
      );
    fc.assert(
      fc.property(scene, ({ values, signs, boundaries, delimiterColumn }) => {
        const frames = values.length / 5;
        const logProbs = Float32Array.from(values);
        const result = forcedAlign(
          { logProbs, frames, width: 5, blankColumn: 0, delimiterColumn },
          targetsOf(signs, boundaries),
        );
        if (!result.ok) {
          expect(result.error).toMatchObject({ reason: 'too-few-frames', frames });
          return;
        }
        expect(Number.isFinite(result.value.logProb)).toBe(true);
        let earliest = 0;
        signs.forEach((_, index) => {
          const start = result.value.startFrames[index]!;
          expect(start).toBeGreaterThanOrEqual(earliest);
          earliest = result.value.endFrames[index]!;
          expect(earliest).toBeGreaterThan(start);
        });
        expect(earliest).toBeLessThanOrEqual(frames);
      }),
      { numRuns: 300 },
    );
  });

  it('is no worse than any other valid path', () => {
    fc.assert(
      fc.property(
        validPath,
        fc.infiniteStream(fc.float({ min: -9, max: 0, noNaN: true })),
        (other, noise) => {
          const emissions = peaked(other.columns, WIDTH);
          emissions.logProbs.forEach((_, index) => {
            emissions.logProbs[index] = noise.next().value ?? 0;
          });
          const otherLogProb = other.columns.reduce(
            (sum, column, frame) => sum + emissions.logProbs[frame * WIDTH + column]!,
            0,
          );
          expect(pathOf(emissions, other.signs).logProb).toBeGreaterThanOrEqual(
            otherLogProb - 1e-6,
          );
        },
      ),
    );
  });

  it('puts speech that is not written where words meet', () => {
    // "1 2", then three signs nobody wrote, then "4 5".
    const path = pathOf(
      peaked([0, 1, 2, 0, 3, 0, 3, 0, 3, 0, 4, 5, 0], WIDTH),
      [1, 2, 4, 5],
      [0, 2, 4],
    );
    expect(Array.from(path.startFrames)).toEqual([1, 2, 10, 11]);
    expect(Array.from(path.endFrames)).toEqual([2, 3, 11, 12]);
  });

  it('keeps noise before the first word out of it', () => {
    const path = pathOf(peaked([3, 0, 3, 3, 0, 1, 2, 0], WIDTH), [1, 2], [0, 2]);
    expect(Array.from(path.startFrames)).toEqual([5, 6]);
  });

  it('takes the delimiter where words meet, and does without it', () => {
    const emissions = { ...peaked([1, 6, 2, 2, 0, 3], 8), delimiterColumn: 6 };
    const path = pathOf(emissions, [1, 2, 3], [0, 1, 2, 3]);
    expect(Array.from(path.targetOfFrame)).toEqual([0, -1, 1, 1, -1, 2]);
  });

  it('gives a wildcard all frames between its neighbours', () => {
    const path = pathOf(peaked([1, 0, 3, 0, 5, 0, 2], WIDTH), [1, WIDTH - 1, 2]);
    expect([path.startFrames[0], path.endFrames[0]]).toEqual([0, 1]);
    expect([path.startFrames[2], path.endFrames[2]]).toEqual([6, 7]);
  });

  it('needs a blank between equal signs', () => {
    const path = pathOf(peaked([1, 1, 1, 1], WIDTH), [1, 1]);
    expect(path.startFrames[1]! - path.endFrames[0]!).toBe(1);
  });

  it('gives a path without targets for an empty text', () => {
    expect(Array.from(pathOf(peaked([0, 3], WIDTH), []).targetOfFrame)).toEqual([-1, -1]);
    expect(pathOf(peaked([], WIDTH), []).logProb).toBe(0);
  });

  it('refuses more signs than frames', () => {
    const result = forcedAlign(peaked([1, 1], WIDTH), targetsOf([1, 1]));
    expect(result).toEqual({
      ok: false,
      error: { reason: 'too-few-frames', frames: 2, neededFrames: 3 },
    });
  });

  it('refuses what would take more memory than any chunk of speech', () => {
    const result = forcedAlign(
      peaked(new Array(60_000).fill(0), 2),
      targetsOf(new Array(300).fill(1)),
    );
    expect(result).toEqual({
      ok: false,
      error: { reason: 'too-large', frames: 60_000, targets: 300 },
    });
  });

  it('throws for columns and shapes that do not fit', () => {
    expect(() => forcedAlign(peaked([1], WIDTH), targetsOf([WIDTH]))).toThrow(RangeError);
    expect(() =>
      forcedAlign(peaked([1], WIDTH), { columns: Int32Array.of(1), boundaries: new Uint8Array(1) }),
    ).toThrow(RangeError);
    expect(() => forcedAlign({ ...peaked([1], WIDTH), frames: 2 }, targetsOf([1]))).toThrow(
      RangeError,
    );
  });
});
