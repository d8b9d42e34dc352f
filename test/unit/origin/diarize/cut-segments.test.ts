import { describe, expect, it } from 'vitest';
import { cutAtSpeakerChanges, diarizeSegments } from '#origin/diarize/cut-segments.ts';
import type { Segment, Word } from '#shared/contracts/transcript.ts';

/** Words of 0.3 s, 0.4 s apart; `text/SPEAKER`. A `|` is a pause of a second. */
function segmentOf(script: string, join = ' '): Segment {
  let at = 0;
  const words: Word[] = [];
  for (const part of script.split(' ')) {
    if (part === '|') {
      at += 1;
      continue;
    }
    const [text = '', speaker] = part.split('/');
    const times = { startSeconds: at, endSeconds: at + 0.3, score: 0.9 };
    words.push({ text, ...times, ...(speaker && { speaker, speakerConfidence: 1 }) });
    at += 0.4;
  }
  const text = words.map((word) => word.text).join(join);
  return { text, startSeconds: 0, endSeconds: at, words };
}

const cut = (script: string, join?: string) =>
  cutAtSpeakerChanges([segmentOf(script, join)]).map(({ text, speaker }) => `${speaker}: ${text}`);

describe('cutAtSpeakerChanges', () => {
  it('cuts before two words of another speaker', () => {
    expect(cut('how/A are/A you/A I/B am/B fine/B')).toEqual(['A: how are you', 'B: I am fine']);
  });

  it('leaves a lone word inside a sentence with its neighbours', () => {
    expect(cut('how/A are/A you/B doing/A today/A')).toEqual(['A: how are you doing today']);
    expect(cut('how/B are/A you/A')).toEqual(['A: how are you']);
    expect(cut('how/A are/A you/B')).toEqual(['A: how are you']);
  });

  it('cuts a lone word out where pauses or punctuation stand on both sides', () => {
    expect(cut('you/A see./A Yes./B And/A then/A')).toEqual([
      'A: you see.',
      'B: Yes.',
      'A: And then',
    ]);
    expect(cut('you/A see/A | yes/B | and/A then/A').length).toBe(3);
  });

  it('keeps the text as it was written, in scripts without spaces too', () => {
    expect(cut('你/A 好/A 吗/A 我/B 很/B 好/B', '')).toEqual(['A: 你好吗', 'B: 我很好']);
  });

  it('gives words without a speaker to those before them', () => {
    expect(cut('how/A are you/A')).toEqual(['A: how are you']);
    expect(cut('how are you')).toEqual(['undefined: how are you']);
  });

  it('gives each part the times of its words and one speaker for all of them', () => {
    const parts = cutAtSpeakerChanges([segmentOf('how/A are/A you/A I/B am/B fine/B')]);
    expect(parts.map(({ startSeconds }) => startSeconds)).toEqual([0, 1.2000000000000002]);
    for (const { speaker, words } of parts) {
      expect(words.every((word) => word.speaker === speaker)).toBe(true);
    }
  });
});

describe('diarizeSegments', () => {
  it('gives a segment without words the speaker of most of its time', () => {
    const turns = [
      { speaker: 'A', startSeconds: 0, endSeconds: 1 },
      { speaker: 'B', startSeconds: 1, endSeconds: 4 },
    ];
    const segment = { text: 'Hello there.', startSeconds: 0, endSeconds: 4, words: [] };
    const [result] = diarizeSegments([segment], { turns });
    expect(result).toMatchObject({ speaker: 'B', speakerConfidence: 0.75, isOverlapped: false });
  });

  it('leaves segments as they are where nobody was heard', () => {
    const segment = segmentOf('how are you');
    expect(diarizeSegments([segment], { turns: [] })).toEqual([segment]);
  });
});
