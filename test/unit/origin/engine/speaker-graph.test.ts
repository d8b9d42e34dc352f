import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSpeakerGraph, type SpeakerGraph } from '#origin/engine/graphs/speaker-graph.ts';
import { cosine, fixtureSound } from '#test/support/speaker-fixtures.ts';

const EMBEDDED = join(import.meta.dirname, '../../../../models/embedded/speaker');

describe('openSpeakerGraph, with the embedded encoder', () => {
  let graph: SpeakerGraph;
  beforeAll(async () => {
    graph = await openSpeakerGraph({ dir: EMBEDDED, threads: 2 });
  });
  afterAll(() => graph.release());

  const embed = async (voice: Float32Array) => {
    const [embedding] = await graph.embed([voice]);
    if (!embedding) throw new Error('no embedding');
    return embedding;
  };

  it('gives vectors of length 1 and 256 dimensions, from 0.1 s to minutes', async () => {
    expect(graph.dimensions).toBe(256);
    const embeddings = await graph.embed([1_600, 25_600, 30_000, 2_000_000].map(fixtureSound));
    for (const embedding of embeddings) {
      expect(embedding).toHaveLength(256);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    }
  });

  it('gives a voice the same embedding alone and among 70 others', async () => {
    const voice = fixtureSound(60_000);
    const others = Array.from({ length: 70 }, (_, i) => fixtureSound(2_000 + 900 * i));
    const among = await graph.embed([...others.slice(0, 35), voice, ...others.slice(35)]);
    const found = among[35];
    if (!found) throw new Error('no embedding');
    expect(cosine(found, await embed(voice))).toBeGreaterThan(0.999999);
  });

  it('does not hear how loud a voice is', async () => {
    const voice = fixtureSound(50_000);
    const quiet = await embed(voice.map((sample) => sample * 0.01));
    expect(cosine(quiet, await embed(voice))).toBeGreaterThan(0.99999);
  });

  it.each([
    ['silence', new Float32Array(16_000)],
    ['broken numbers', new Float32Array(16_000).fill(Number.NaN)],
    ['infinite samples', new Float32Array(16_000).fill(Number.POSITIVE_INFINITY)],
    ['numbers beyond all sound', new Float32Array(16_000).fill(3e38)],
    ['a single sample', Float32Array.of(0.5)],
  ])('gives finite numbers for %s', async (_, voice) => {
    expect((await embed(voice)).every(Number.isFinite)).toBe(true);
  });

  it('gives nothing for no voices', async () => {
    expect(await graph.embed([])).toEqual([]);
  });

  it('refuses a voice without samples', async () => {
    await expect(graph.embed([new Float32Array()])).rejects.toThrow(RangeError);
  });
});
