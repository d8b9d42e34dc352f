import { describe, expect, it } from 'vitest';
import type { Word } from '#shared/contracts/transcript.ts';
import { TranscriptionResponse, toTranscriptionResponse } from '#shared/contracts/transcription.ts';
import { DIALOGUE } from '#test/support/dialogue.ts';
import { TRANSCRIPT } from '#test/support/origin-server.ts';

const CONTEXT = { requestId: 'r1', latencyMs: 41.7 };

describe('toTranscriptionResponse', () => {
  it('writes snake_case, milliseconds and the prefix of the model', () => {
    expect(toTranscriptionResponse(TRANSCRIPT, CONTEXT)).toEqual({
      text: 'Hello there.',
      language: 'en',
      model: 'whisperx-base',
      latency_ms: 42,
      duration_seconds: 1.235,
      words: [
        { word: 'Hello', start: 0.1, end: 0.5, score: 0.912 },
        { word: 'there.', start: 0.6, end: 1.2, score: 0.8 },
      ],
      segments: [
        {
          start: 0.1,
          end: 1.2,
          text: 'Hello there.',
          words: [
            { word: 'Hello', start: 0.1, end: 0.5, score: 0.912 },
            { word: 'there.', start: 0.6, end: 1.2, score: 0.8 },
          ],
        },
      ],
      speakers: null,
      coverage: { speech_seconds: 1.1, transcribed_seconds: 1.1, recovered: [], missing: [] },
      language_probability: 0.988,
      languages: [{ language: 'en', probability: 0.988 }],
      primary_language: 'en',
      warnings: [],
      timings_ms: { decode: 12 },
      request_id: 'r1',
    });
  });

  it('gives null for words that were not asked for, and an empty list for silence', () => {
    const plain = { ...TRANSCRIPT, hasWordTimes: false };
    const answer = toTranscriptionResponse(plain, CONTEXT);
    expect(answer.words).toBeNull();
    expect(answer.segments).toEqual([{ start: 0.1, end: 1.2, text: 'Hello there.' }]);
    const silent = { ...TRANSCRIPT, text: '', segments: [] };
    expect(toTranscriptionResponse(silent, CONTEXT)).toMatchObject({ words: [], segments: [] });
  });

  it('lists each speaker once, by first appearance', () => {
    const [segment] = TRANSCRIPT.segments;
    const segments = ['SPEAKER_00', 'SPEAKER_01', 'SPEAKER_00'].map((speaker) => ({
      ...segment!,
      speaker,
    }));
    const { speakers } = toTranscriptionResponse({ ...TRANSCRIPT, segments }, CONTEXT);
    expect(speakers).toEqual(['SPEAKER_00', 'SPEAKER_01']);
  });

  it('leaves the probability out when the language has no share', () => {
    const answer = toTranscriptionResponse({ ...TRANSCRIPT, languages: [] }, CONTEXT);
    expect('language_probability' in answer).toBe(false);
    expect(TranscriptionResponse.safeParse(answer).success).toBe(true);
  });

  it('writes how words were timed and who says them, on words and sentences', () => {
    const spoken = { speaker: 'SPEAKER_00', speakerConfidence: 0.98765, isOverlapped: false };
    const word: Word = {
      ...{ text: 'Hi', startSeconds: 0.1, endSeconds: 0.5, score: 0.9, language: 'en' },
      ...{ timing: 'aligned', alignmentScore: 0.77777, ...spoken },
    };
    const segment = { text: 'Hi', startSeconds: 0.1, endSeconds: 0.5, words: [word], ...spoken };
    const answer = toTranscriptionResponse({ ...TRANSCRIPT, segments: [segment] }, CONTEXT);
    const wire = { speaker: 'SPEAKER_00', speaker_confidence: 0.988, overlap: false };
    const times = { start: 0.1, end: 0.5 };
    const wireWord = { word: 'Hi', ...times, score: 0.9, ...wire, language: 'en' };
    const timed = { ...wireWord, timing: 'aligned', alignment_score: 0.778 };
    expect(answer.words).toEqual([timed]);
    expect(answer.segments).toEqual([{ text: 'Hi', ...times, ...wire, words: [timed] }]);
  });

  it('writes what was recovered and what is missing', () => {
    const coverage = {
      speechSeconds: 10.00049,
      transcribedSeconds: 9.5,
      recovered: [{ startSeconds: 1, endSeconds: 2.0004 }],
      missing: [{ startSeconds: 3, endSeconds: 3.5 }],
    };
    expect(toTranscriptionResponse({ ...TRANSCRIPT, coverage }, CONTEXT).coverage).toEqual({
      speech_seconds: 10,
      transcribed_seconds: 9.5,
      recovered: [{ start: 1, end: 2 }],
      missing: [{ start: 3, end: 3.5 }],
    });
  });

  it('passes its own schema with everything in it', () => {
    const answer = toTranscriptionResponse(DIALOGUE, CONTEXT);
    expect(TranscriptionResponse.strict().parse(answer)).toEqual(answer);
  });
});
