import { describe, expect, it } from 'vitest';
import type { Segment } from '#shared/contracts/transcript.ts';
import { makeCues, textOfLine } from '#shared/format/cues.ts';
import { DEFAULT_SUBTITLES, type SubtitleOptions } from '#shared/format/options.ts';
import { sentence, transcriptOf } from '#test/support/dialogue.ts';

/** The lines of each subtitle. */
function cut(segments: Segment[], options: Partial<SubtitleOptions> = {}, language = 'en') {
  const style = { ...DEFAULT_SUBTITLES, ...options, allowsOverlap: false };
  return makeCues(transcriptOf(segments, language), style).map(({ lines }) =>
    lines.map((line) => textOfLine(line, ({ text }) => text)),
  );
}

describe('makeCues', () => {
  it('ends subtitles with sentences', () => {
    const first = sentence('The harbor office opens at seven.', [0, 3]);
    const second = sentence('Three boats left before sunrise.', [3.1, 6]);
    expect(cut([first, second])).toEqual([
      ['The harbor office opens at seven.'],
      ['Three boats left before sunrise.'],
    ]);
  });

  it('puts sentences together that would flash by', () => {
    expect(cut([sentence('Yes.', [0, 0.2]), sentence('I see.', [0.25, 0.6])])).toEqual([
      ['Yes. I see.'],
    ]);
  });

  it('ends subtitles with clauses where a sentence is too long for one', () => {
    const text =
      'The harbor office opens at seven in the morning, three fishing boats left before sunrise, and only two are back.';
    expect(cut([sentence(text, [0, 7.5])])).toEqual([
      ['The harbor office opens', 'at seven in the morning,'],
      ['three fishing boats left before sunrise,', 'and only two are back.'],
    ]);
  });

  it('ends subtitles at pauses where there are no marks', () => {
    const early = sentence('we went down to the river', [0, 2]);
    const late = sentence('and then the rain came over us all', [2.9, 5]);
    const words = [...early.words, ...late.words];
    const text = `${early.text} ${late.text}`;
    const one = { text, startSeconds: 0, endSeconds: 5, words };
    expect(cut([one])).toEqual([[early.text], [late.text]]);
  });

  it('never shows the words of two speakers in one subtitle', () => {
    const segments = [sentence('Yes.', [0, 0.2], 'Ada'), sentence('No.', [0.2, 0.4], 'Grace')];
    expect(cut(segments)).toEqual([['Yes.'], ['No.']]);
  });

  it('does not stay over a silence of 1.5 s', () => {
    expect(cut([sentence('One', [0, 1]), sentence('two', [2.6, 3])])).toEqual([['One'], ['two']]);
  });

  it('makes lines about equally long', () => {
    const text = 'Only two of the boats have come back to the pier';
    expect(cut([sentence(text, [0, 3])])).toEqual([
      ['Only two of the boats have', 'come back to the pier'],
    ]);
  });

  it('keeps to the words of a line', () => {
    const segments = [sentence('one two three four five', [0, 3])];
    const lines = cut(segments, { maxWordsPerLine: 2, maxLineCount: 1 }).flat();
    expect(Math.max(...lines.map((line) => line.split(' ').length))).toBe(2);
    expect(lines.join(' ')).toBe('one two three four five');
  });

  it('keeps to the seconds, also where words have no times of their own', () => {
    const text = 'a slow speech '.repeat(8).trim();
    const cues = makeCues(transcriptOf([{ text, startSeconds: 0, endSeconds: 30, words: [] }]), {
      ...DEFAULT_SUBTITLES,
      maxLineWidth: 200,
      allowsOverlap: false,
    });
    expect(cues.length).toBeGreaterThan(4);
    for (const { startMs, endMs } of cues) expect(endMs - startMs).toBeLessThanOrEqual(7000);
  });

  it('breaks Japanese between words, two columns a letter, never before a mark or an ending', () => {
    const text =
      '今日は良い天気ですね、明日は雨が降るかもしれませんので、傘を持って出かけてください。';
    const lines = cut(
      [{ text, startSeconds: 0, endSeconds: 9, words: [] }],
      { maxLineWidth: 20 },
      'ja',
    ).flat();
    expect(lines.join('')).toBe(text);
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(10);
      expect(line).toMatch(/^[^、。はがをねて]/);
    }
  });

  it('breaks Thai between words, without spaces of its own', () => {
    const text = 'ผมอยู่ที่กรุงเทพมหานครประเทศไทยเป็นเวลาสิบปีแล้วครับ';
    const lines = cut(
      [{ text, startSeconds: 0, endSeconds: 6, words: [] }],
      { maxLineWidth: 20 },
      'th',
    ).flat();
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.join('')).toBe(text);
  });

  it('puts no space between Chinese sentences, and one before Latin words where the text has it', () => {
    const said = [sentence('好。', [0, 0.2]), sentence('我用 iPhone。', [0.2, 0.5])];
    expect(cut(said, {}, 'zh')).toEqual([['好。我用 iPhone。']]);
  });

  it('leaves right-to-left text in its order', () => {
    const text = 'صباح الخير، كيف حالك؟';
    expect(cut([sentence(text, [0, 3])], {}, 'ar')).toEqual([[text]]);
  });

  it('keeps French marks with their word', () => {
    const text = 'Comment allez-vous ce matin, mon cher ami ? Bien !';
    const lines = cut([sentence(text, [0, 4])], { maxLineWidth: 12 }, 'fr').flat();
    for (const line of lines) expect(line).not.toMatch(/^[?!]/);
  });

  it('makes nothing of silence', () => {
    expect(cut([])).toEqual([]);
    expect(cut([{ text: ' ', startSeconds: 0, endSeconds: 1, words: [] }])).toEqual([]);
  });
});

describe('the times of subtitles', () => {
  const times = (segments: Segment[], allowsOverlap: boolean) =>
    makeCues(
      { ...transcriptOf(segments), durationSeconds: 60 },
      { ...DEFAULT_SUBTITLES, allowsOverlap },
    ).map(({ startMs, endMs }) => [startMs, endMs]);

  it('are those of the words, and longer where that is too short to read', () => {
    expect(times([sentence('A sentence of a few words.', [1, 4])], false)).toEqual([[1000, 3950]]);
    expect(times([sentence('Yes.', [1, 1.2])], false)).toEqual([[1000, 1833]]);
  });

  it('leave the next subtitle its start', () => {
    const said = [sentence('Yes.', [1, 1.2], 'Ada'), sentence('No, never.', [1.5, 3], 'Grace')];
    expect(times(said, false)[0]).toEqual([1000, 1500]);
  });

  it('overlap only where two speak at once and the format allows it', () => {
    const said = [
      sentence('I say it is so.', [1, 4], 'Ada'),
      sentence('But no, no.', [2, 3.5], 'Grace'),
    ];
    const [ada = [], grace = []] = times(said, true);
    expect(grace[0]).toBe(2000);
    expect(ada[1]).toBeGreaterThan(3000);
    const [first = [], second = []] = times(said, false);
    expect(first[1]).toBe(second[0]);
  });

  it('leave the first of two at once its time to be read, as far as the second has enough', () => {
    const first = sentence('I have always said that it is so.', [1, 5], 'Ada');
    const late = sentence('But no.', [1.2, 4], 'Grace');
    expect(times([first, late], false)[0]).toEqual([1000, 2700]);
    const short = sentence('But no.', [1.2, 1.6], 'Grace');
    expect(times([first, short], false)[0]).toEqual([1000, 1500]);
  });
});
