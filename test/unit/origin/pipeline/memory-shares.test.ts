import { describe, expect, it } from 'vitest';
import { MemoryShares } from '#origin/pipeline/memory-shares.ts';

const MIB = 1024 * 1024;

function noted(...answers: [pid: number, model: string, rssMib: number][]): MemoryShares {
  const shares = new MemoryShares();
  for (const [pid, model, rssMib] of answers) shares.note({ pid, model, rssBytes: rssMib * MIB });
  return shares;
}

describe('MemoryShares', () => {
  it('gives the runtime to the first model, and what comes on top to who was called', () => {
    const shares = noted([1, 'vad', 150], [1, 'base', 400], [1, 'vad', 410]);
    expect(shares.shareMib('vad', 1)).toBe(160);
    expect(shares.shareMib('base', 1)).toBe(250);
  });

  it('counts no memory twice that was given back in between', () => {
    const shares = noted([1, 'base', 400], [1, 'base', 300], [1, 'base', 420]);
    expect(shares.shareMib('base', 1)).toBe(420);
  });

  it('begins anew with each process', () => {
    const shares = noted([1, 'base', 400], [2, 'small', 900]);
    expect(shares.shareMib('base', 1)).toBeNull();
    expect(shares.shareMib('base', 2)).toBeNull();
    expect(shares.shareMib('small', 2)).toBe(900);
  });
});
