import { describe, expect, it } from 'vitest';
import { equalErrorRate, soloStretches } from '#test/support/speaker-separation.ts';

describe('soloStretches', () => {
  it('leaves out where two talk, and what is too short', () => {
    const turns = [
      { speaker: 'a', startSeconds: 0, endSeconds: 5 },
      { speaker: 'b', startSeconds: 2, endSeconds: 3 },
      { speaker: 'b', startSeconds: 6, endSeconds: 6.5 },
    ];
    expect(soloStretches(turns, 1)).toEqual([
      { speaker: 'a', startSeconds: 0 },
      { speaker: 'a', startSeconds: 1 },
      { speaker: 'a', startSeconds: 3 },
      { speaker: 'a', startSeconds: 4 },
    ]);
  });
});

describe('equalErrorRate', () => {
  it('is 0 where a threshold parts all, and a half where none can', () => {
    expect(equalErrorRate([0.8, 0.9], [0.1, 0.2, 0.3])).toBe(0);
    expect(equalErrorRate([0.1, 0.9], [0.1, 0.9])).toBe(0.5);
  });

  it('counts both kinds of error', () => {
    expect(equalErrorRate([0.9, 0.8, 0.7, 0.2], [0.1, 0.2, 0.3, 0.75])).toBeCloseTo(0.25);
  });
});
