import { describe, expect, it } from 'vitest';
import { SpeakerCollector } from '#origin/diarize/collector.ts';
import { record, type ScriptedTurn } from '#test/unit/origin/diarize/scripted-recording.ts';

const TALK: ScriptedTurn[] = [
  [0, 0.5, 6],
  [1, 5.5, 9],
  [0, 9.5, 13],
];

const silence = (startFrame: number, fill = 0) => ({
  startFrame,
  sampleCount: 80_000,
  activations: new Float32Array(293 * 3).fill(fill),
  speakers: 3,
});

describe('SpeakerCollector', () => {
  it('asks for each sample at most once, and only where one voice talks alone', () => {
    const { stretches, totalSamples } = record(TALK, 14);
    const asked = new Uint8Array(totalSamples);
    for (const { startSample, sampleCount } of stretches.flatMap(({ ranges }) => ranges)) {
      for (let i = startSample; i < startSample + sampleCount; i += 1) asked[i]! += 1;
    }
    expect(asked.some((count) => count > 1)).toBe(false);
    expect(asked.subarray(5.6 * 16_000, 5.9 * 16_000).every((count) => count === 0)).toBe(true);
    expect(asked.reduce((a, b) => a + b, 0) / 16_000).toBeGreaterThan(10.5);
  });

  it('asks for nothing beyond the end of a recording shorter than a window', () => {
    const { stretches, totalSamples } = record([[0, 0, 1.2]], 1.2);
    const ends = stretches.flatMap(({ ranges }) =>
      ranges.map(({ startSample, sampleCount }) => startSample + sampleCount),
    );
    expect(ends.length).toBeGreaterThan(0);
    expect(Math.max(...ends)).toBeLessThanOrEqual(totalSamples);
  });

  it('asks for nothing in silence, nor where the activity is no number', () => {
    for (const fill of [0, Number.NaN]) {
      const collector = new SpeakerCollector();
      expect([...collector.add(silence(0, fill)), ...collector.end()]).toEqual([]);
    }
  });

  it('refuses windows of another shape, out of order, or after the end', () => {
    const collector = new SpeakerCollector();
    expect(() => collector.add({ ...silence(0), activations: [1, 2] })).toThrow(RangeError);
    expect(() => collector.add({ ...silence(0), speakers: 0 })).toThrow(RangeError);
    collector.add(silence(74));
    expect(() => collector.add(silence(74))).toThrow(RangeError);
    collector.end();
    expect(() => collector.add(silence(148))).toThrow(RangeError);
  });

  it('takes windows of another length, as of the powerset model', () => {
    const collector = new SpeakerCollector({}, { windowFrames: 589 });
    const activations = Float32Array.from({ length: 589 * 3 }, (_, i) => (i % 3 === 1 ? 0.9 : 0));
    const window = { startFrame: 0, sampleCount: 160_000, activations, speakers: 3 };
    const stretches = [...collector.add(window), ...collector.end()];
    const seconds = stretches
      .flatMap(({ ranges }) => ranges)
      .reduce((sum, { sampleCount }) => sum + sampleCount / 16_000, 0);
    expect(seconds).toBeCloseTo(10, 1);
  });

  it('refuses the vector of a stretch that it never asked for', () => {
    expect(() => new SpeakerCollector().embedded(0, [1])).toThrow(RangeError);
  });
});
