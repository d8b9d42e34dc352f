/** Transcripts at random: speech as it comes, and times and texts that no recording would give. */
import fc from 'fast-check';
import type { Segment, Transcript } from '#shared/contracts/transcript.ts';
import { transcriptOf } from '#test/support/dialogue.ts';

const latin = fc.constantFrom(
  'the',
  'harbor,',
  'office',
  'opens.',
  'at',
  '7',
  'Donaudampfschiff',
  'a',
);
const unspaced = fc.constantFrom(
  '今日は',
  '天気。',
  'สวัสดี',
  'ครับ',
  '雨が',
  '「港」',
  '大丈夫、',
  'いい',
);
const others = fc.constantFrom(
  'مرحبا',
  'שלום,',
  '안녕하세요',
  'नमस्ते।',
  '👩‍👩‍👧',
  'é́́',
  '<b>x</b>',
  '-->',
  '&amp;',
);
const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '\n\n1\n00:00:01,000 --> 00:00:02,000\n',
    '{\\an8}',
    '<v Bob>',
    'x'.repeat(60),
    '42',
    '\u2028',
  ),
);

const texts = {
  /** What speech becomes. */
  plain: fc.oneof(latin, unspaced),
  /** That, and whatever else. */
  any: fc.oneof({ weight: 3, arbitrary: fc.oneof(latin, unspaced, others) }, odd),
};

const names = fc.constantFrom(
  'SPEAKER_00',
  'SPEAKER_01',
  'Ada <b>&amp;</b>',
  'Zoë\n\n1',
  undefined,
);

interface Drawn {
  readonly words: readonly { text: string; gap: number; length: number }[];
  readonly speaker: string | undefined;
  readonly hasWords: boolean;
  readonly back: number;
}

/** Segments by start; with `overlapping` they may begin before the one before has ended. */
export function anyTranscript(
  kind: keyof typeof texts,
  options: { overlapping: boolean },
): fc.Arbitrary<Transcript> {
  const seconds = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true }));
  const word = fc.record({ text: texts[kind], gap: seconds, length: seconds });
  const segment = fc.record({
    words: fc.array(word, { minLength: 1, maxLength: 25 }),
    speaker: names,
    hasWords: fc.boolean(),
    back: options.overlapping ? seconds : fc.constant(0),
  });
  return fc.array(segment, { maxLength: 8 }).map((drawn) => transcriptOf(place(drawn), 'ja'));
}

function place(drawn: readonly Drawn[]): Segment[] {
  let clock = 0;
  const segments = drawn.map(({ words, speaker, hasWords, back }): Segment => {
    clock = Math.max(0, clock - back);
    const placed = words.map(({ text, gap, length }) => {
      const startSeconds = clock + gap;
      clock = startSeconds + length;
      return { text, startSeconds, endSeconds: clock, score: 1 };
    });
    return {
      text: words.map(({ text }) => text).join(' '),
      startSeconds: placed[0]?.startSeconds ?? 0,
      endSeconds: clock,
      words: hasWords ? placed : [],
      ...(speaker !== undefined && { speaker }),
    };
  });
  return segments.sort((a, b) => a.startSeconds - b.startSeconds);
}
