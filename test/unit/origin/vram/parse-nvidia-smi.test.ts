import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGpus, parseProcesses } from '#origin/vram/parse-nvidia-smi.ts';

const A = 'GPU-5a2f1c3e-9d1b-4f0e-8a77-0123456789ab';
const B = 'GPU-6a2f1c3e-9d1b-4f0e-8a77-0123456789ab';
const LINE = `0, ${A}, NVIDIA GeForce RTX 4090, 24564, 601, 23441`;

describe('parseGpus', () => {
  it('reads every card and counts as used what is not free', () => {
    expect(parseGpus(`${LINE}\n1, ${B}, NVIDIA A2, 15356, 2, 14924\n`)).toEqual([
      {
        ...{ id: A, kind: 'gpu', index: 0, name: 'NVIDIA GeForce RTX 4090' },
        ...{ totalMib: 24_564, usedMib: 1123, freeMib: 23_441 },
      },
      {
        ...{ id: B, kind: 'gpu', index: 1, name: 'NVIDIA A2' },
        ...{ totalMib: 15_356, usedMib: 432, freeMib: 14_924 },
      },
    ]);
  });

  it('reads a name with a comma, lines of Windows and the warning of a damaged infoROM', () => {
    const text = `0, ${A}, Tesla, the 2nd, 100, 10, 90\r\nWARNING: infoROM is corrupted at gpu 0000:01:00.0\r\n`;
    expect(parseGpus(text)).toMatchObject([{ name: 'Tesla, the 2nd', freeMib: 90 }]);
  });

  it.each([
    ['nothing', ''],
    ['a sentence', 'No devices were found'],
    ['a number that is not there', `0, ${A}, Orin, [N/A], [N/A], [N/A]`],
    ['an unknown error in place of a number', `0, ${A}, X, 24564, [Unknown Error], 1`],
    ['more used than there is', `0, ${A}, X, 100, 200, 0`],
    ['more free than there is', `0, ${A}, X, 100, 50, 60`],
    ['a negative number', `0, ${A}, X, 100, -5, 60`],
    ['a size beyond any machine', `0, ${A}, X, 99999999999, 0, 1`],
    ['a card without a size', `0, ${A}, X, 0, 0, 0`],
    ['no UUID', '0, 4090, X, 100, 10, 90'],
    ['a good line among bad ones', `${LINE}\ngarbage`],
    ['a card twice', `${LINE}\n${LINE}`],
  ])('refuses %s', (_what, text) => {
    expect(parseGpus(text)).toBeNull();
  });

  it('gives sound numbers or nothing for whatever is printed', () => {
    const piece = fc.constantFrom(A, B, '0', '1', '24564', '-1', '[N/A]', ', ', ',', '\n', 'X');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((it) => it.join(', ')),
        ),
        (text) => {
          for (const { totalMib, usedMib, freeMib } of parseGpus(text) ?? []) {
            expect(usedMib + freeMib).toBe(totalMib);
            expect(Math.min(usedMib, freeMib)).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });
});

describe('parseProcesses', () => {
  it('reads memory by process and card', () => {
    expect(parseProcesses(`4321, ${A}, 5120\n4321, ${B}, 100\n`)).toEqual([
      { pid: 4321, device: A, usedMib: 5120 },
      { pid: 4321, device: B, usedMib: 100 },
    ]);
  });

  it('leaves out what has no number, as under Windows and WSL2', () => {
    expect(parseProcesses(`4321, ${A}, [N/A]\n[Not Found], ${A}, 7\n1, x, 7\n\n`)).toEqual([]);
  });
});
