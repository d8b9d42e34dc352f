import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readOriginLoad, writeOriginLoad } from '#shared/contracts/origin-load.ts';

describe('writeOriginLoad', () => {
  it('writes both counts', () => {
    expect(writeOriginLoad({ freeSlots: 2, waiting: 0 })).toBe('free=2;waiting=0');
  });

  it('writes whole numbers from 0 to 1,000,000, whatever it is given', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (freeSlots, waiting) => {
        const load = readOriginLoad(writeOriginLoad({ freeSlots, waiting }));
        for (const count of [load?.freeSlots, load?.waiting]) {
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThanOrEqual(1_000_000);
        }
      }),
    );
  });
});

describe('readOriginLoad', () => {
  it('reads what was written', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(fc.record({ freeSlots: count, waiting: count }), (load) => {
        expect(readOriginLoad(writeOriginLoad(load))).toEqual(load);
      }),
    );
  });

  it('passes over members that a later origin adds, in any order', () => {
    const load = readOriginLoad('waiting=3;gpus=2;free=1');
    expect(load).toEqual({ freeSlots: 1, waiting: 3 });
  });

  it.each([
    [null],
    [undefined],
    [''],
    ['free=2'],
    ['waiting=2'],
    ['free=-1;waiting=0'],
    ['free=1.5;waiting=0'],
    ['free=1e3;waiting=0'],
    ['free=1;waiting=1000001'],
    ['free=1;free=2;waiting=0'],
    ['free=1; waiting=0'],
    ['free=1;waiting=0;'],
    ['FREE=1;waiting=0'],
    [`free=1;waiting=0;x=${'1'.repeat(200)}`],
  ])('gives nothing for %s', (header) => {
    expect(readOriginLoad(header)).toBeNull();
  });

  it('gives bounded counts or nothing for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'fre=;waitng0123456789 -.') }), (text) => {
        const load = readOriginLoad(text);
        expect(load === null || (load.freeSlots >= 0 && load.waiting >= 0)).toBe(true);
      }),
    );
  });
});
