import { describe, expect, it } from 'vitest';
import { ChunkMerger, type SpeechChunk } from '#origin/vad/cut-and-merge.ts';

const LIMITS = { maxChunkSamples: 100, maxGapSamples: 40, padSamples: 5 };

function chunksOf(regions: readonly [number, number][], totalSamples: number): SpeechChunk[] {
  const merger = new ChunkMerger(LIMITS);
  const chunks = regions.map(([startSample, endSample]) => merger.push({ startSample, endSample }));
  chunks.push(merger.end(totalSamples));
  return chunks.filter((chunk) => chunk !== null);
}

const spansOf = (chunks: readonly SpeechChunk[]) =>
  chunks.map(({ startSample, endSample }) => [startSample, endSample]);

describe('ChunkMerger', () => {
  it('merges neighbours while they fit with their padding', () => {
    const chunks = chunksOf(
      [
        [10, 40],
        [60, 100],
        [110, 120],
      ],
      200,
    );
    expect(spansOf(chunks)).toEqual([
      [5, 105],
      [105, 125],
    ]);
    expect(chunks[0]?.regions).toEqual([
      { startSample: 10, endSample: 40 },
      { startSample: 60, endSample: 100 },
    ]);
  });

  it('lets a chunk be as long as the limit with both paddings and not a sample longer', () => {
    const first: [number, number] = [10, 40];
    expect(chunksOf([first, [60, 100]], 200)).toHaveLength(1);
    expect(chunksOf([first, [60, 101]], 200)).toHaveLength(2);
  });

  it('splits at a pause longer than the largest gap and not at one as long', () => {
    const regions: [number, number][] = [
      [0, 10],
      [50, 60],
      [101, 102],
    ];
    expect(spansOf(chunksOf(regions, 200))).toEqual([
      [0, 65],
      [96, 107],
    ]);
  });

  it('pads to the ends of the waveform and to half of a pause at most', () => {
    const regions: [number, number][] = [
      [3, 50],
      [57, 148],
    ];
    expect(spansOf(chunksOf(regions, 150))).toEqual([
      [0, 53],
      [54, 150],
    ]);
  });

  it('adds no padding at a cut inside speech', () => {
    const regions: [number, number][] = [
      [10, 90],
      [90, 150],
    ];
    expect(spansOf(chunksOf(regions, 300))).toEqual([
      [5, 90],
      [90, 155],
    ]);
  });

  it('joins pieces of one region that fall into the same chunk', () => {
    const regions: [number, number][] = [
      [10, 40],
      [40, 60],
    ];
    expect(chunksOf(regions, 300)[0]?.regions).toEqual([{ startSample: 10, endSample: 60 }]);
  });

  it('gives a chunk as soon as no later region can reach it, padding included', () => {
    const merger = new ChunkMerger(LIMITS);
    merger.push({ startSample: 10, endSample: 20 });
    expect(merger.advance(60)).toBeNull();
    expect(merger.advance(61)).toMatchObject({ startSample: 5, endSample: 25 });
    expect(merger.advance(300)).toBeNull();
    expect(merger.end(400)).toBeNull();
  });

  it('waits for the padding where the chunk is full', () => {
    const merger = new ChunkMerger(LIMITS);
    merger.push({ startSample: 5, endSample: 95 });
    expect(merger.advance(100)).toBeNull();
    expect(merger.advance(105)).toMatchObject({ startSample: 0, endSample: 100 });
  });
});
