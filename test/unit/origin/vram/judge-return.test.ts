import { describe, expect, it } from 'vitest';
import { judgeReturn } from '#origin/vram/judge-return.ts';
import type { Lease } from '#origin/vram/lease.ts';
import { newCard, newLease } from '#test/support/new-lease.ts';

const memory = (usedMib: number, ofProcess?: number) => ({
  devices: [newCard('a', usedMib)],
  processes: ofProcess === undefined ? [] : [{ pid: 7, device: 'a', usedMib: ofProcess }],
});

function judge(
  lease: Lease,
  before: ReturnType<typeof memory>,
  after: ReturnType<typeof memory>,
  { isQuiet = true, grownMib = 4000 } = {},
) {
  return judgeReturn(lease, { before, after, isQuiet, grownMib });
}

describe('judgeReturn by process', () => {
  const lease = newLease({
    ...{ pid: 7, mib: 4000 },
    measured: { mib: 4000, turn: 0, isRead: true },
  });

  it('finds memory back when the process is gone, whatever others did', () => {
    const found = judge(lease, memory(4000, 4000), memory(9000), { isQuiet: false });
    expect(found).toEqual({ verdict: 'returned', freedMib: 4000 });
  });

  it('leaves a process that lives on its context', () => {
    expect(judge(lease, memory(4000, 4000), memory(500, 500)).verdict).toBe('returned');
  });

  it('finds memory that a process holds', () => {
    const found = judge(lease, memory(4000, 4000), memory(3000, 3000));
    expect(found).toEqual({ verdict: 'held', missingMib: 3000 });
  });

  it('is not content with a small process that holds most of it', () => {
    expect(judge(lease, memory(600, 600), memory(500, 500)).verdict).toBe('held');
  });
});

describe('judgeReturn by a process with other leases', () => {
  const lease = newLease({ pid: 7, mib: 4000 });

  it('is content when what was leased has gone', () => {
    const found = judge(lease, memory(9500, 9000), memory(5500, 5200));
    expect(found).toEqual({ verdict: 'returned', freedMib: 3800 });
  });

  it('finds memory that was kept', () => {
    const found = judge(lease, memory(9500, 9000), memory(9000, 8500));
    expect(found).toEqual({ verdict: 'held', missingMib: 3500 });
  });

  it('does not judge when others of them came or went', () => {
    const found = judge(lease, memory(9500, 9000), memory(9500, 9000), { isQuiet: false });
    expect(found).toEqual({ verdict: 'unknown' });
  });

  it('finds everything back when the process is gone', () => {
    expect(judge(lease, memory(9500, 9000), memory(500)).verdict).toBe('returned');
  });
});

describe('judgeReturn by device', () => {
  const lease = newLease({ mib: 4000 });

  it('finds memory back when most of it is free again', () => {
    expect(judge(lease, memory(4500), memory(900))).toEqual({
      verdict: 'returned',
      freedMib: 3600,
    });
  });

  it('finds memory that did not come back', () => {
    expect(judge(lease, memory(4500), memory(4400))).toEqual({ verdict: 'held', missingMib: 3900 });
  });

  it('expects back what was measured, where that is known', () => {
    const measured = { mib: 600, turn: 0, isRead: false };
    expect(judge({ ...lease, measured }, memory(900), memory(400)).verdict).toBe('returned');
  });

  it.each([
    ['others came or went', lease, { isQuiet: false }],
    ['it is too small to be told apart', newLease({ mib: 200 }), {}],
    ['its device is gone', newLease({ mib: 4000, device: 'b' }), {}],
    ['the device was as full without it', lease, { grownMib: 100 }],
  ] as const)('does not judge when %s', (_what, given, facts) => {
    expect(judge(given, memory(4500), memory(4400), facts)).toEqual({ verdict: 'unknown' });
  });
});
