import { describe, expect, it } from 'vitest';
import { TranscriptionResponse, toTranscriptionResponse } from '#shared/contracts/transcription.ts';
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
      segments: [{ start: 0.1, end: 1.2, text: 'Hello there.' }],
      speakers: null,
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
    expect(toTranscriptionResponse(plain, CONTEXT).words).toBeNull();
    const silent = { ...TRANSCRIPT, text: '', segments: [] };
    expect(toTranscriptionResponse(silent, CONTEXT)).toMatchObject({ words: [], segments: [] });
  });

  it('lists each speaker once, sorted', () => {
    const [segment] = TRANSCRIPT.segments;
    const segments = ['SPEAKER_01', 'SPEAKER_00', 'SPEAKER_01'].map((speaker) => ({
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
});
