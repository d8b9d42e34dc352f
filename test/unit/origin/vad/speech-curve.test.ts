import { describe, expect, it } from 'vitest';
import { SpeechCurve, speechOf } from '#origin/vad/speech-curve.ts';

const FRAMES = 293;
const constant = (value: number) => new Float32Array(FRAMES).fill(value);

describe('SpeechCurve', () => {
  it('gives one window back as it is', () => {
    const window = Float32Array.from({ length: FRAMES }, (_, i) => i / FRAMES);
    const curve = new SpeechCurve();
    expect(curve.add(0, window)).toHaveLength(0);
    expect(curve.end(1_000)).toEqual(window);
  });

  it('keeps a constant, whatever the overlap', () => {
    const curve = new SpeechCurve();
    const parts = [0, 148, 200, 201, 494].map((start) => curve.add(start, constant(0.25)));
    parts.push(curve.end(10_000));
    const frames = parts.flatMap((part) => [...part]);
    expect(frames).toHaveLength(494 + FRAMES);
    expect(frames.every((value) => value === 0.25)).toBe(true);
  });

  it('joins windows of another length', () => {
    const curve = new SpeechCurve(589);
    const window = new Float32Array(589).fill(0.75);
    const parts = [0, 148, 700].map((start) => curve.add(start, window));
    parts.push(curve.end(10_000));
    const frames = parts.flatMap((part) => [...part]);
    expect(frames).toHaveLength(700 + 589);
    expect(frames.every((value) => value === 0.75)).toBe(true);
    expect(() => curve.add(1_290, window)).toThrow('Frame 1290');
  });

  it('trusts a window less towards its edges', () => {
    const curve = new SpeechCurve();
    curve.add(0, constant(1));
    curve.add(147, constant(0));
    const overlap = curve.end(440).subarray(0, 146);
    expect(overlap[0]).toBeGreaterThan(0.9);
    expect(overlap[145]).toBeLessThan(0.1);
    expect(overlap.every((value, i) => i === 0 || value <= (overlap[i - 1] ?? 1))).toBe(true);
  });

  it('gives no frame behind the end of the waveform', () => {
    const curve = new SpeechCurve();
    curve.add(0, constant(1));
    expect(curve.end(12)).toHaveLength(12);
  });

  it('refuses a window that leaves frames uncovered or goes back', () => {
    const curve = new SpeechCurve();
    curve.add(0, constant(1));
    expect(() => curve.add(294, constant(1))).toThrow('Frame 294');
    curve.add(10, constant(1));
    expect(() => curve.add(9, constant(1))).toThrow('Frame 9');
  });
});

describe('speechOf', () => {
  it('takes the most probable speaker of each frame of the window asked for', () => {
    const activations = new Float32Array([9, 9, 9, 9, 0.25, 0.5, 0.75, 0]);
    expect(speechOf({ activations, frames: 2, speakers: 2 }, 1)).toEqual(
      new Float32Array([0.5, 0.75]),
    );
  });
});
