import { describe, expect, it } from 'vitest';
import { cpWordErrors, wrongSpeakers } from '#test/support/cpwer.ts';
import { errorRate } from '#test/support/wer.ts';

const TRUTH = [
  { speaker: 'a', text: 'How are you?' },
  { speaker: 'b', text: 'Fine, thanks.' },
  { speaker: 'a', text: 'Good.' },
];

describe('cpWordErrors', () => {
  it('counts nothing for the same words under other names', () => {
    const found = TRUTH.map(({ speaker, text }) => ({ speaker: `x${speaker}`, text }));
    expect(errorRate([cpWordErrors(TRUTH, found)])).toBe(0);
  });

  it('counts a word at the wrong speaker twice: missing there, too many here', () => {
    const found = [
      { speaker: 'x', text: 'How are you' },
      { speaker: 'y', text: 'fine thanks good' },
    ];
    expect(errorRate([cpWordErrors(TRUTH, found)])).toBeCloseTo(2 / 6);
  });

  it('counts all words of speakers without a partner', () => {
    const one = [{ speaker: 'x', text: 'How are you fine thanks good' }];
    expect(errorRate([cpWordErrors(TRUTH, one)])).toBeCloseTo(4 / 6);
    expect(cpWordErrors([], one).insertions).toBe(6);
  });
});

describe('wrongSpeakers', () => {
  it('compares the words that both sides have', () => {
    const found = [
      { speaker: 'x', text: 'How are' },
      { speaker: 'y', text: 'fine thanks good' },
    ];
    expect(wrongSpeakers(TRUTH, found)).toEqual({ wrong: 1, compared: 5 });
  });
});
