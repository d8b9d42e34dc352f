import { describe, expect, it } from 'vitest';
import { Estimates, MAX_RECORDS } from '#origin/vram/estimates.ts';

const F5 = { model: 'f5', target: 'cuda' };
const firm = { mib: 1000, isEstimate: false };
const guess = { mib: 1000, isEstimate: true };

describe('Estimates', () => {
  it('plans as declared while nothing was measured', () => {
    expect(new Estimates().planMib(F5, firm)).toBe(1000);
  });

  it('plans more, with a margin, once more was measured', () => {
    const estimates = new Estimates();
    estimates.record(F5, 2000);
    expect(estimates.planMib(F5, firm)).toBe(2100);
  });

  it('plans less only for a guess that was too high several times', () => {
    const estimates = new Estimates();
    for (const peak of [400, 500]) estimates.record(F5, peak);
    expect(estimates.planMib(F5, guess)).toBe(1000);
    estimates.record(F5, 300);
    expect(estimates.planMib(F5, guess)).toBe(525);
    expect(estimates.planMib(F5, firm)).toBe(1000);
  });

  it('keeps targets of a model apart', () => {
    const estimates = new Estimates();
    estimates.record(F5, 2000);
    expect(estimates.planMib({ model: 'f5', target: 'cpu' }, firm)).toBe(1000);
  });

  it('forgets a peak after eight lower ones', () => {
    const estimates = new Estimates();
    estimates.record(F5, 9000);
    for (let lease = 0; lease < 8; lease += 1) estimates.record(F5, 500);
    expect(estimates.planMib(F5, guess)).toBe(525);
  });

  it('forgets models that were not heard of for longest', () => {
    const estimates = new Estimates([{ ...F5, peaksMib: [2000] }]);
    for (let index = 0; index < MAX_RECORDS; index += 1) {
      estimates.record({ model: `m${index}`, target: 'cuda' }, 1);
    }
    expect(estimates.planMib(F5, firm)).toBe(1000);
    expect(estimates.all()).toHaveLength(MAX_RECORDS);
  });
});
