/** A transcript of two speakers, with everything that a transcript may have. */
import type { Segment, Transcript } from '#shared/contracts/transcript.ts';

/** A sentence whose words take equal times, with short pauses between. */
export function sentence(text: string, span: readonly [number, number], speaker?: string): Segment {
  const [startSeconds, endSeconds] = span;
  const texts = text.split(' ').filter((word) => word !== '');
  const perWord = (endSeconds - startSeconds) / texts.length;
  const spoken = speaker === undefined ? {} : { speaker };
  const words = texts.map((word, index) => ({
    text: word,
    startSeconds: startSeconds + index * perWord,
    endSeconds: startSeconds + (index + 0.9) * perWord,
    score: 0.9,
    ...spoken,
  }));
  return { text, startSeconds, endSeconds, words, ...spoken };
}

export function transcriptOf(segments: Segment[], language = 'en'): Transcript {
  return {
    text: segments.map(({ text }) => text).join(' '),
    language,
    languages: [{ language, probability: 1 }],
    model: 'base',
    durationSeconds: Math.max(0, ...segments.map(({ endSeconds }) => endSeconds)),
    segments,
    hasWordTimes: true,
    coverage: { speechSeconds: 0, transcribedSeconds: 0, recovered: [], missing: [] },
    warnings: [],
    timingsMs: {},
  };
}

export const DIALOGUE: Transcript = {
  ...transcriptOf([
    sentence('Is the harbor open?', [0.5, 2], 'Ada'),
    sentence('I think so.', [2.1, 3], 'Ada'),
    sentence('It is.', [3.2, 4], 'SPEAKER_01'),
    sentence('Good.', [9, 9.5], 'SPEAKER_01'),
  ]),
  diarization: {
    speakers: [
      { label: 'Ada', speechSeconds: 2.40049, similarity: 0.91239, embedding: [0.12345678, 0.5] },
      { label: 'SPEAKER_01', speechSeconds: 1.3 },
    ],
    turns: [
      { speaker: 'Ada', startSeconds: 0.5, endSeconds: 3.00049 },
      { speaker: 'SPEAKER_01', startSeconds: 3.2, endSeconds: 4 },
      { speaker: 'SPEAKER_01', startSeconds: 9, endSeconds: 9.5 },
    ],
  },
};
