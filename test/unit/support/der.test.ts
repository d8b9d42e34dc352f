import { describe, expect, it } from 'vitest';
import { derOf, errorRateOf } from '#test/support/der.ts';
import { formatRttm, parseRttm, type RttmTurn } from '#test/support/rttm.ts';

const turn = (speaker: string, startSeconds: number, endSeconds: number): RttmTurn => ({
  speaker,
  startSeconds,
  endSeconds,
});

describe('derOf', () => {
  it('counts nothing for the same turns under other names', () => {
    const errors = derOf([turn('a', 0, 2), turn('b', 1, 3)], [turn('x', 1, 3), turn('y', 0, 2)]);
    expect(errorRateOf([errors])).toBe(0);
    expect(Object.fromEntries(errors.mapping)).toEqual({ x: 'b', y: 'a' });
  });

  // pyannote.metrics 4.2.0 gives the same numbers for these turns.
  it('counts missed speech, false alarms and confusion as pyannote.metrics does', () => {
    const reference = [turn('a', 0, 4), turn('b', 3, 7)];
    const hypothesis = [turn('x', 0.5, 4), turn('y', 4, 6), turn('x', 6, 9), turn('z', 3, 3.5)];
    const errors = derOf(reference, hypothesis);
    expect(errors.totalSeconds).toBe(8);
    expect(errors.missedSeconds).toBeCloseTo(1);
    expect(errors.falseAlarmSeconds).toBeCloseTo(2);
    expect(errors.confusionSeconds).toBeCloseTo(1.5);
  });

  it('leaves out what lies within the collar', () => {
    const errors = derOf([turn('a', 1, 3)], [turn('x', 1.2, 3)], { collar: 0.5 });
    expect(errorRateOf([errors])).toBe(0);
    expect(errors.totalSeconds).toBeCloseTo(1.5);
  });
});

describe('RTTM', () => {
  it('reads back what was written, of the recording asked for', () => {
    const text = `${formatRttm([turn('a', 0.5, 2)], 'one')}${formatRttm([turn('b', 1, 2)], 'two')}`;
    expect(parseRttm(text, 'one')).toEqual([turn('a', 0.5, 2)]);
  });
});
