/** What must hold for subtitles of any transcript. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Transcript } from '#shared/contracts/transcript.ts';
import type { SubtitleOptions } from '#shared/format/options.ts';
import { writeSrt } from '#shared/format/srt.ts';
import { textWidth } from '#shared/format/text-width.ts';
import { writeVtt } from '#shared/format/vtt.ts';
import { anyTranscript } from '#test/support/any-transcript.ts';
import { readSrt } from '#test/support/srt.ts';
import { readVtt } from '#test/support/vtt.ts';

const anyOptions: fc.Arbitrary<SubtitleOptions> = fc
  .record({
    maxLineWidth: fc.integer({ min: 10, max: 60 }),
    maxLineCount: fc.integer({ min: 1, max: 3 }),
    maxWordsPerLine: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    highlightWords: fc.boolean(),
  })
  .map(({ maxWordsPerLine, ...rest }) =>
    maxWordsPerLine === undefined ? rest : { ...rest, maxWordsPerLine },
  );

const bare = (text: string) => text.replaceAll(/[\s\p{Cc}]+/gu, '');

fc.configureGlobal({ seed: 20261125, numRuns: 300 });

/** All that is said, by speaker, without spaces. */
function saidBy(transcript: Transcript): Map<string, string> {
  const said = new Map<string, string>();
  for (const { speaker = '', text } of transcript.segments) {
    const name = bare(speaker);
    said.set(name, (said.get(name) ?? '') + bare(text));
  }
  return new Map([...said].filter(([, text]) => text !== ''));
}

describe('writeSrt', () => {
  it('numbers subtitles, whose times rise and never overlap', () => {
    fc.assert(
      fc.property(
        anyTranscript('any', { overlapping: true }),
        anyOptions,
        (transcript, options) => {
          let lastEndMs = 0;
          readSrt(writeSrt(transcript, options)).forEach((block, index) => {
            expect(block.index).toBe(index + 1);
            expect(block.startMs).toBeGreaterThanOrEqual(lastEndMs);
            expect(block.endMs).toBeGreaterThan(block.startMs);
            lastEndMs = block.endMs;
          });
        },
      ),
    );
  });

  it('keeps every letter of the text, in order', () => {
    fc.assert(
      fc.property(anyTranscript('plain', { overlapping: false }), anyOptions, (drawn, options) => {
        const segments = drawn.segments.map(({ speaker: _, ...segment }) => segment);
        const style = { ...options, highlightWords: false };
        const blocks = readSrt(writeSrt({ ...drawn, segments }, style));
        const written = blocks.flatMap(({ lines }) => lines).join('');
        expect(bare(written)).toBe(bare(segments.map(({ text }) => text).join('')));
      }),
    );
  });

  it('keeps lines to the width and the number asked for, unless a single word is longer', () => {
    fc.assert(
      fc.property(anyTranscript('plain', { overlapping: true }), anyOptions, (drawn, options) => {
        const segments = drawn.segments.map(({ speaker: _, ...segment }) => segment);
        const style = { ...options, highlightWords: false };
        for (const { lines } of readSrt(writeSrt({ ...drawn, segments }, style))) {
          expect(lines.length).toBeLessThanOrEqual(options.maxLineCount);
          for (const line of lines) {
            expect(line.trim()).toBe(line);
            const isOneWord = !line.includes(' ') && textWidth(line) <= LONGEST_WORD;
            if (!isOneWord) expect(textWidth(line)).toBeLessThanOrEqual(options.maxLineWidth);
            const most = options.maxWordsPerLine ?? Number.POSITIVE_INFINITY;
            expect(line.split(' ').length).toBeLessThanOrEqual(most);
          }
        }
      }),
    );
  });

  it('shows no subtitle longer than seven seconds of speech, unless it is one word', () => {
    fc.assert(
      fc.property(anyTranscript('plain', { overlapping: false }), (transcript) => {
        const style = { maxLineWidth: 200, maxLineCount: 10, highlightWords: false };
        for (const { startMs, endMs, lines } of readSrt(writeSrt(transcript, style))) {
          const words = lines
            .join(' ')
            .split(' ')
            .filter((word) => !word.startsWith('['));
          if (words.length > 1) expect(endMs - startMs).toBeLessThanOrEqual(8000);
        }
      }),
    );
  });

  it('never writes what a player could take for a tag, but its own underline', () => {
    fc.assert(
      fc.property(
        anyTranscript('any', { overlapping: true }),
        anyOptions,
        (transcript, options) => {
          const lines = readSrt(writeSrt(transcript, options)).flatMap((block) => block.lines);
          const text = lines.join('\n').replaceAll(/<\/?u>/g, '');
          expect(text).not.toMatch(/<[\p{L}/!?]|\{\\|-->/u);
        },
      ),
    );
  });
});

/** Of those that `anyTranscript` draws, as the segmenter may join them. */
const LONGEST_WORD = 20;

describe('writeVtt', () => {
  it('gives each speaker every letter, in order, whatever the text holds', () => {
    fc.assert(
      fc.property(
        anyTranscript('any', { overlapping: true }),
        anyOptions,
        (transcript, options) => {
          const heard = new Map<string, string>();
          for (const { speaker, text } of readVtt(writeVtt(transcript, options))) {
            heard.set(bare(speaker), (heard.get(bare(speaker)) ?? '') + bare(text));
          }
          expect(heard).toEqual(saidBy(transcript));
        },
      ),
    );
  });

  it('has cues by their start, and times of words that rise within them', () => {
    fc.assert(
      fc.property(
        anyTranscript('any', { overlapping: true }),
        anyOptions,
        (transcript, options) => {
          let lastStartMs = 0;
          for (const cue of readVtt(writeVtt(transcript, options))) {
            expect(cue.startMs).toBeGreaterThanOrEqual(lastStartMs);
            const times = [cue.startMs, ...cue.wordTimesMs, cue.endMs];
            for (const [index, ms] of times.slice(1).entries()) {
              expect(ms).toBeGreaterThan(times[index]!);
            }
            lastStartMs = cue.startMs;
          }
        },
      ),
    );
  });
});
