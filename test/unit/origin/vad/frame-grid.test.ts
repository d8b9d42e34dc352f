import { describe, expect, it } from 'vitest';
import {
  FIRST_FRAME_CENTRE,
  FRAME_STEP,
  frameCountOf,
  frameStartSample,
  framesCovering,
  WINDOW_FRAMES,
  windowOf,
} from '#origin/vad/frame-grid.ts';

describe('frame grid', () => {
  it('has 293 frames a window, 270 samples apart, the first centred on sample 495', () => {
    expect([WINDOW_FRAMES, FRAME_STEP, FIRST_FRAME_CENTRE]).toEqual([293, 270, 495]);
  });

  it('has 589 frames in a window of 10 s', () => {
    expect(windowOf(160_000)).toEqual({ windowSamples: 160_000, windowFrames: 589 });
  });

  it('starts the first cell with the waveform and the others midway between two centres', () => {
    expect([0, 1, 2, 293].map(frameStartSample)).toEqual([0, 630, 900, 79_470]);
  });

  it('counts the frames whose centre lies inside the waveform', () => {
    expect([0, 495, 496, 765, 766, 800].map(frameCountOf)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('rounds a duration up to whole frames', () => {
    expect([0, 0.001, 270 / 16_000, 0.1].map(framesCovering)).toEqual([0, 1, 1, 6]);
  });
});
