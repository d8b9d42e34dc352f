import { describe, expect, it } from 'vitest';
import type { AudioSpan } from '#origin/engine/protocol.ts';
import { SharedWindows } from '#origin/pipeline/shared-windows.ts';

const window = (startSample: number, sampleCount = 80_000): AudioSpan => {
  return { path: 'a', startSample, sampleCount };
};

/** Two frames of three speakers; every value is the window's first sample. */
function setUp(isWantedTwice: (startSample: number) => boolean = () => true) {
  const asked: number[][] = [];
  let failure: Error | null = null;
  const windows = new SharedWindows(async (spans) => {
    asked.push(spans.map(({ startSample }) => startSample));
    if (failure !== null) throw failure;
    const activations = Float32Array.from(spans.flatMap((span) => Array(6).fill(span.startSample)));
    return { activations, frames: 2, speakers: 3 };
  }, isWantedTwice);
  const firstsOf = async (...starts: number[]) => {
    const { activations } = await windows.segment(starts.map((start) => window(start)));
    return starts.map((_, index) => activations[index * 6]);
  };
  const fail = (error: Error | null) => {
    failure = error;
  };
  return { asked, windows, firstsOf, fail };
}

describe('SharedWindows', () => {
  it('asks the engine once for a window that both want', async () => {
    const { asked, firstsOf } = setUp();
    expect(await firstsOf(0, 2)).toEqual([0, 2]);
    expect(await firstsOf(0, 1, 2, 3)).toEqual([0, 1, 2, 3]);
    expect(asked).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('shares a window that is still being computed', async () => {
    const { asked, firstsOf } = setUp();
    expect(await Promise.all([firstsOf(0), firstsOf(0)])).toEqual([[0], [0]]);
    expect(asked).toEqual([[0]]);
  });

  it('keeps nothing that only one reader wants', async () => {
    const { asked, firstsOf } = setUp((startSample) => startSample % 2 === 0);
    await firstsOf(1);
    await firstsOf(1);
    expect(asked).toEqual([[1], [1]]);
  });

  it('tells windows of one start but another length apart', async () => {
    const { asked, windows } = setUp();
    await windows.segment([window(0, 80_000)]);
    await windows.segment([window(0, 60_000)]);
    expect(asked).toEqual([[0], [0]]);
  });

  it('asks anew for a window that failed', async () => {
    const { asked, firstsOf, fail } = setUp();
    fail(new Error('lost'));
    await expect(firstsOf(0)).rejects.toThrow('lost');
    fail(null);
    expect(await firstsOf(0)).toEqual([0]);
    expect(asked).toEqual([[0], [0]]);
  });

  it('gives an empty answer to an empty question', async () => {
    const { asked, windows } = setUp();
    expect((await windows.segment([])).activations).toHaveLength(0);
    expect(asked).toEqual([]);
  });
});
