import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamicTimeWarping } from '#origin/align/dtw.ts';

type Step = 'row' | 'frame' | 'both';

/** Cells of a walk from (0, 0). */
function walk(steps: readonly Step[]): [number, number][] {
  const cells: [number, number][] = [[0, 0]];
  for (const step of steps) {
    const [row, frame] = cells.at(-1)!;
    cells.push([row + (step === 'frame' ? 0 : 1), frame + (step === 'row' ? 0 : 1)]);
  }
  return cells;
}

describe('dynamicTimeWarping', () => {
  it('finds a random path of low cost again', () => {
    // Steps to the side only: a diagonal could cut the corner of two of them at the same cost.
    const steps = fc.array(fc.constantFrom<Step>('row', 'frame'), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (random) => {
        const cells = walk(random);
        const [rows, frames] = cells.at(-1)!.map((last) => last + 1) as [number, number];
        const cost = new Float32Array(rows * frames).fill(1);
        for (const [row, frame] of cells) cost[row * frames + frame] = -1;
        const path = dynamicTimeWarping(cost, { rows, frames });
        expect([...path.rows].map((row, at) => [row, path.frames[at]])).toEqual(cells);
      }),
    );
  });

  it('is never dearer than any other path, and each step is one on', () => {
    const random = fc
      .record({ rows: fc.integer({ min: 1, max: 6 }), frames: fc.integer({ min: 1, max: 8 }) })
      .chain(({ rows, frames }) =>
        fc.record({
          shape: fc.constant({ rows, frames }),
          cost: fc.array(fc.integer({ min: -50, max: 50 }), {
            minLength: rows * frames,
            maxLength: rows * frames,
          }),
        }),
      );
    fc.assert(
      fc.property(random, ({ shape, cost }) => {
        const path = dynamicTimeWarping(Float32Array.from(cost), shape);
        const spent = path.rows.reduce(
          (sum, row, at) => sum + cost[row * shape.frames + path.frames[at]!]!,
          0,
        );
        expect(spent).toBe(leastCost(cost, shape.frames, shape.rows - 1, shape.frames - 1));
        for (let at = 1; at < path.rows.length; at++) {
          const step = [
            path.rows[at]! - path.rows[at - 1]!,
            path.frames[at]! - path.frames[at - 1]!,
          ];
          expect(['0,1', '1,0', '1,1']).toContain(String(step));
        }
      }),
    );
  });

  it('has no path through nothing', () => {
    expect(dynamicTimeWarping(new Float32Array(), { rows: 0, frames: 5 }).rows).toHaveLength(0);
  });
});

/** By trying every path. */
function leastCost(cost: readonly number[], frames: number, row: number, frame: number): number {
  const here = cost[row * frames + frame]!;
  if (row === 0 && frame === 0) return here;
  const before: number[] = [];
  if (row > 0) before.push(leastCost(cost, frames, row - 1, frame));
  if (frame > 0) before.push(leastCost(cost, frames, row, frame - 1));
  if (row > 0 && frame > 0) before.push(leastCost(cost, frames, row - 1, frame - 1));
  return here + Math.min(...before);
}
