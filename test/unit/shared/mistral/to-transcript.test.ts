import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MistralAnswer } from '#shared/mistral/answer.ts';
import type { MistralRequest } from '#shared/mistral/request.ts';
import { toTranscript } from '#shared/mistral/to-transcript.ts';

const MODEL = { id: 'voxtral-mini-latest' };
const WORDS: MistralRequest = {
  fields: [],
  granularity: 'word',
  diarize: false,
  language: null,
  warnings: [],
};
const SENTENCES: MistralRequest = { ...WORDS, granularity: 'segment' };
const SPEAKERS: MistralRequest = { ...SENTENCES, diarize: true };

function answer(segments: MistralAnswer['segments'], more: Partial<MistralAnswer> = {}) {
  return { text: 'some text', language: 'de', segments, ...more };
}

function convert(given: MistralAnswer, request: MistralRequest, durationSeconds?: number) {
  const context = {
    request,
    model: MODEL,
    ...(durationSeconds !== undefined && { durationSeconds }),
  };
  return toTranscript(given, context, 12);
}

const anyTime = fc.option(fc.double({ min: -10, max: 100, noNaN: true }));
const anySegments = fc.array(
  fc.record({
    text: fc.constantFrom(' Hallo', 'Welt.', '', ' ', '你好'),
    start: anyTime,
    end: anyTime,
    score: fc.option(fc.double({ min: -2, max: 2, noNaN: true })),
    speaker_id: fc.option(fc.constantFrom('speaker_1', 'speaker_7', '')),
  }),
  { maxLength: 12 },
);

describe('toTranscript', () => {
  it('keeps every promise of the contract about times, scores and speakers, for any answer', () => {
    const anyRequest = fc.constantFrom(WORDS, SENTENCES, SPEAKERS);
    fc.assert(
      fc.property(
        anySegments,
        anyRequest,
        fc.option(fc.constantFrom(0, 5, 90)),
        (segments, request, seconds) => {
          const made = convert(answer(segments), request, seconds ?? undefined);
          const spans = [
            ...made.segments,
            ...made.segments.flatMap(({ words }) => words),
            ...(made.diarization?.turns ?? []),
          ];
          for (const { startSeconds, endSeconds } of spans) {
            expect(startSeconds).toBeGreaterThanOrEqual(0);
            expect(endSeconds).toBeGreaterThanOrEqual(startSeconds);
            expect(endSeconds).toBeLessThanOrEqual(made.durationSeconds);
          }
          const scores = made.segments.flatMap(({ words }) => words.map(({ score }) => score));
          expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
          const labels = made.diarization?.speakers.map(({ label }) => label) ?? [];
          expect(labels).toEqual(
            ['SPEAKER_00', 'SPEAKER_01', 'SPEAKER_02'].slice(0, labels.length),
          );
          expect('coverage' in made).toBe(false);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });

  it('loses no word', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const given = segments.map(({ text }) => text.trim()).filter((text) => text !== '');
        const made = convert(answer(segments), WORDS);
        expect(made.segments.flatMap(({ words }) => words.map(({ text }) => text))).toEqual(given);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('cuts words into sentences at marks and pauses', () => {
    const made = convert(
      answer([
        { text: 'Ja.', start: 0, end: 1 },
        { text: 'Und', start: 1, end: 2 },
        { text: 'dann', start: 3.5, end: 4 },
      ]),
      WORDS,
    );
    expect(made.segments.map(({ text }) => text)).toEqual(['Ja.', 'Und', 'dann']);
  });

  it('fills a missing time from the neighbour', () => {
    const made = convert(
      answer([
        { text: 'a', start: 1, end: null },
        { text: 'b', start: 2, end: 3 },
        { text: 'c', start: null, end: 4 },
      ]),
      SENTENCES,
    );
    expect(made.segments.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])).toEqual(
      [
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    );
  });

  it('gives words without a probability the score 0, and says so', () => {
    const made = convert(answer([{ text: 'a', start: 0, end: 1, score: null }]), WORDS);
    expect(made.segments[0]!.words[0]!.score).toBe(0);
    expect(made.warnings.join()).toContain('their score is 0');
  });

  it('numbers speakers by first appearance, and joins what one says in a row', () => {
    const made = convert(
      answer([
        { text: 'a', start: 0, end: 1, speaker_id: 'speaker_9' },
        { text: 'b', start: 1.2, end: 2, speaker_id: 'speaker_9' },
        { text: 'c', start: 2, end: 3, speaker_id: 'speaker_1' },
      ]),
      SPEAKERS,
    );
    expect(made.diarization?.turns).toEqual([
      { speaker: 'SPEAKER_00', startSeconds: 0, endSeconds: 2 },
      { speaker: 'SPEAKER_01', startSeconds: 2, endSeconds: 3 },
    ]);
  });

  it('has no speakers where nobody asked for them', () => {
    const made = convert(answer([{ text: 'a', start: 0, end: 1, speaker_id: 'x' }]), SENTENCES);
    expect(made.diarization).toBeUndefined();
    expect(made.segments[0]).not.toHaveProperty('speaker');
  });

  it('keeps a text without times as one segment, with a warning where times were asked for', () => {
    const usage = { prompt_audio_seconds: 7 };
    const made = convert(answer(null, { usage }), WORDS);
    expect(made).toMatchObject({
      hasWordTimes: false,
      segments: [{ text: 'some text', startSeconds: 0, endSeconds: 7, words: [] }],
      warnings: ['Voxtral gave no times for this recording.'],
    });
  });

  it('has nothing to say of silence', () => {
    const made = convert(answer([], { text: ' ' }), SPEAKERS, 3);
    expect(made).toMatchObject({ text: '', segments: [], warnings: [], durationSeconds: 3 });
  });

  it('takes the language that was heard, else the one that was named, else none', () => {
    const unknown = answer(null, { language: null });
    expect(convert(answer(null), SENTENCES).language).toBe('de');
    expect(convert(unknown, { ...SENTENCES, language: 'fr' }).language).toBe('fr');
    expect(convert(unknown, SENTENCES).language).toBe('und');
    expect(convert(answer(null, { language: '<script>' }), SENTENCES).language).toBe('und');
  });

  it('names the model that answered, unless the name is none', () => {
    expect(convert(answer(null, { model: 'voxtral-mini-2602' }), SENTENCES).model).toBe(
      'voxtral-mini-2602',
    );
    expect(convert(answer(null, { model: 'x\r\ny' }), SENTENCES).model).toBe(MODEL.id);
  });

  it('takes a hostile answer without punctuation or times', () => {
    const many = Array.from({ length: 200_000 }, () => ({ text: 'a' }));
    expect(convert(answer(many), WORDS).segments).toHaveLength(1);
  });
});
