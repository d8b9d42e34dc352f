import { describe, expect, it } from 'vitest';
import { PREFER_WAIT, prefersWait } from '#shared/contracts/jobs.ts';

describe('prefersWait', () => {
  it.each([
    [PREFER_WAIT],
    ['wait=25'],
    ['WAIT = 25'],
    ['respond-async, wait=10'],
    ['return=minimal,wait;foo="bar"'],
  ])('is true for %s', (header) => {
    expect(prefersWait(header)).toBe(true);
  });

  it.each([[null], [undefined], [''], ['respond-async'], ['waiting'], ['no-wait'], ['x=wait']])(
    'is false for %s',
    (header) => {
      expect(prefersWait(header)).toBe(false);
    },
  );

  it('looks at the first 1,000 characters only', () => {
    expect(prefersWait(`${'a,'.repeat(600)}wait`)).toBe(false);
  });
});
