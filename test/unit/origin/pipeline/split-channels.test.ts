import { describe, expect, it } from 'vitest';
import { mergeChannels } from '#origin/pipeline/split-channels.ts';
import type { Segment, Transcript } from '#shared/contracts/transcript.ts';

function segment(text: string, startSeconds: number, endSeconds: number): Segment {
  const word = { text, startSeconds, endSeconds, score: 0.9 };
  return { text, startSeconds, endSeconds, words: [word] };
}

function channel(segments: Segment[], rest: Partial<Transcript> = {}): Transcript {
  const speechSeconds = segments.reduce((sum, it) => sum + it.endSeconds - it.startSeconds, 0);
  return {
    text: segments.map(({ text }) => text).join(' '),
    language: 'en',
    languages: [{ language: 'en', probability: 1 }],
    model: 'base',
    durationSeconds: 10,
    segments,
    hasWordTimes: true,
    coverage: { speechSeconds, transcribedSeconds: speechSeconds, recovered: [], missing: [] },
    warnings: [],
    timingsMs: {},
    ...rest,
  };
}

const left = channel([segment('Hello.', 0, 1), segment('Fine.', 4, 5)]);
const right = channel([segment('How are you?', 1.5, 3)]);

describe('mergeChannels', () => {
  it('puts the sentences of all channels in order of time, each with its speaker', () => {
    const { text, segments } = mergeChannels([left, right]);
    expect(text).toBe('Hello. How are you? Fine.');
    const speakers = ['SPEAKER_00', 'SPEAKER_01', 'SPEAKER_00'];
    expect(segments.map(({ speaker }) => speaker)).toEqual(speakers);
    expect(segments.map(({ words }) => words[0]?.speaker)).toEqual(speakers);
  });

  it('makes each channel a speaker, also one that says nothing', () => {
    const { diarization } = mergeChannels([channel([]), right]);
    expect(diarization?.speakers).toEqual([
      { label: 'SPEAKER_00', speechSeconds: 0 },
      { label: 'SPEAKER_01', speechSeconds: 1.5 },
    ]);
  });

  it('weighs languages by speech, and takes the most spoken one as the main one', () => {
    const german = channel([segment('Guten Tag.', 0, 1)], {
      language: 'de',
      languages: [{ language: 'de', probability: 1 }],
    });
    const english = channel([segment('Good day to you.', 2, 5)]);
    const merged = mergeChannels([german, english]);
    expect(merged.language).toBe('en');
    expect(merged.languages).toEqual([
      { language: 'en', probability: 0.75 },
      { language: 'de', probability: 0.25 },
    ]);
  });

  it('adds the coverage up and says each warning once', () => {
    const warned = [left, right].map((it) => ({ ...it, warnings: ['The file breaks off.'] }));
    const { coverage, warnings } = mergeChannels(warned);
    expect(coverage).toMatchObject({ speechSeconds: 3.5, transcribedSeconds: 3.5 });
    expect(warnings).toEqual(['The file breaks off.']);
  });

  it('has word times only if every channel has them', () => {
    expect(mergeChannels([left, { ...right, hasWordTimes: false }]).hasWordTimes).toBe(false);
  });
});
