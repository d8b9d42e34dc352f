import { describe, expect, it } from 'vitest';
import { WHISPER_LANGUAGES } from '#shared/contracts/languages.ts';
import { languageName } from '#shared/format/language-names.ts';
import { DEFAULT_SUBTITLES } from '#shared/format/options.ts';
import { writeAudacity, writeText, writeTsv } from '#shared/format/plain.ts';
import { writeSrt } from '#shared/format/srt.ts';
import { textWidth } from '#shared/format/text-width.ts';
import { writeVtt } from '#shared/format/vtt.ts';
import { DIALOGUE, sentence, transcriptOf } from '#test/support/dialogue.ts';

const HIGHLIGHTED = { ...DEFAULT_SUBTITLES, highlightWords: true };

describe('writeSrt', () => {
  it('writes numbers, times, and the speaker before each subtitle', () => {
    expect(writeSrt(DIALOGUE, DEFAULT_SUBTITLES)).toMatchInlineSnapshot(`
      "1
      00:00:00,500 --> 00:00:01,963
      [Ada]: Is the harbor open?

      2
      00:00:02,100 --> 00:00:02,970
      [Ada]: I think so.

      3
      00:00:03,200 --> 00:00:04,033
      [SPEAKER_01]: It is.

      4
      00:00:09,000 --> 00:00:09,500
      [SPEAKER_01]: Good.

      "
    `);
  });

  it('underlines each word while it is spoken', () => {
    const said = transcriptOf([sentence('Good morning.', [1, 3])]);
    expect(writeSrt(said, HIGHLIGHTED)).toMatchInlineSnapshot(`
      "1
      00:00:01,000 --> 00:00:01,900
      <u>Good</u> morning.

      2
      00:00:01,900 --> 00:00:02,000
      Good morning.

      3
      00:00:02,000 --> 00:00:02,900
      Good <u>morning.</u>

      "
    `);
  });

  it('takes the meaning from what players read as markup', () => {
    const said = transcriptOf([sentence('<b>a</b> 1 < 2 --> {\\an8} <3', [0, 3], '<i>')]);
    expect(writeSrt(said, DEFAULT_SUBTITLES)).toMatchInlineSnapshot(`
      "1
      00:00:00,000 --> 00:00:02,957
      [‹i>]: ‹b>a‹/b> 1 ‹ 2 --› (\\an8} <3

      "
    `);
  });

  it('is empty for silence', () => {
    expect(writeSrt(transcriptOf([]), DEFAULT_SUBTITLES)).toBe('');
  });
});

describe('writeVtt', () => {
  it('writes the speaker as the voice of each cue', () => {
    expect(writeVtt(DIALOGUE, DEFAULT_SUBTITLES)).toMatchInlineSnapshot(`
      "WEBVTT

      00:00:00.500 --> 00:00:01.963
      <v Ada>Is the harbor open?

      00:00:02.100 --> 00:00:02.970
      <v Ada>I think so.

      00:00:03.200 --> 00:00:04.033
      <v SPEAKER_01>It is.

      00:00:09.000 --> 00:00:09.500
      <v SPEAKER_01>Good.

      "
    `);
  });

  it('gives each word its time', () => {
    const said = transcriptOf([sentence('Good morning to you.', [1, 3], 'Ada')]);
    expect(writeVtt(said, HIGHLIGHTED)).toMatchInlineSnapshot(`
      "WEBVTT

      00:00:01.000 --> 00:00:02.950
      <v Ada>Good <00:00:01.500>morning <00:00:02.000>to <00:00:02.500>you.

      "
    `);
  });

  it('escapes text and names', () => {
    const said = transcriptOf([sentence('<c>a</c> & --> b', [0, 3], 'A & <B>')]);
    expect(writeVtt(said, DEFAULT_SUBTITLES)).toMatchInlineSnapshot(`
      "WEBVTT

      00:00:00.000 --> 00:00:02.925
      <v A &amp; &lt;B&gt;>&lt;c&gt;a&lt;/c&gt; &amp; --&gt; b

      "
    `);
  });

  it('is a head alone for silence', () => {
    expect(writeVtt(transcriptOf([]), DEFAULT_SUBTITLES)).toBe('WEBVTT\n\n');
  });
});

describe('writeText', () => {
  it('is the text on one line', () => {
    const said = transcriptOf([sentence('One.', [0, 1]), sentence('Two.', [1, 2])]);
    expect(writeText(said)).toBe('One. Two.\n');
    expect(writeText(transcriptOf([]))).toBe('');
  });

  it('has a line for each utterance when speakers are known', () => {
    expect(writeText(DIALOGUE)).toBe(
      '[Ada]: Is the harbor open? I think so.\n[SPEAKER_01]: It is.\n[SPEAKER_01]: Good.\n',
    );
  });
});

describe('writeTsv', () => {
  it('has milliseconds, and tabs between columns only', () => {
    const said = transcriptOf([sentence('One\ttab.', [0.0004, 1.2346])]);
    expect(writeTsv(said)).toBe('start\tend\ttext\n0\t1235\tOne tab.\n');
  });

  it('has a column for speakers when they are known', () => {
    expect(writeTsv(DIALOGUE).split('\n').slice(0, 2)).toEqual([
      'start\tend\ttext\tspeaker',
      '500\t2000\tIs the harbor open?\tAda',
    ]);
  });
});

describe('writeAudacity', () => {
  it('has seconds, and the speaker in double brackets', () => {
    const said = transcriptOf([sentence('One.', [0, 1.5]), sentence('Two.', [1.5, 2], 'Ada')]);
    expect(writeAudacity(said)).toBe('0.000\t1.500\tOne.\n1.500\t2.000\t[[Ada]]Two.\n');
  });
});

describe('languageName', () => {
  it('has an English name for every language of Whisper', () => {
    for (const code of WHISPER_LANGUAGES) expect(languageName(code)).toMatch(/^[a-z ]{3,}$/);
    expect([languageName('de'), languageName('zh')]).toEqual(['german', 'chinese']);
    expect(languageName('xx')).toBe('xx');
  });
});

describe('textWidth', () => {
  it.each([
    ['abc', 3],
    ['größe', 5],
    ['gro\u0308ße', 5],
    ['日本', 4],
    ['かな。', 6],
    ['한국', 4],
    ['ｱｲ', 2],
    ['Ａ！', 4],
    ['สวัสดี', 4],
    ['a\u200bb', 2],
    ['👍', 2],
  ])('counts %s as %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});
