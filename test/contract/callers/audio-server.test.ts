/**
 * The audio server: sends recordings of conversations to `/transcribe/whisperx` with the field names of old, and reads
 * who said what. Real speech, real voices.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { type Fields, recording } from '#test/support/transcribe-request.ts';

const KEY = 'sk-audio-server';

let origin: RunningOrigin;
let edge: RunningEdge;
beforeAll(async () => {
  const keys = await generateAssertionKeys();
  const settings = { API_KEYS: `${KEY}:audio`, REQUIRE_AUTH: 'true' };
  origin = await startOrigin({ ...settings, EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey });
  edge = await startEdge({
    ...settings,
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

/** As the audio server declares it; times of utterances are whole milliseconds. */
const Read = z.object({
  text: z.string().min(1),
  language: z.string(),
  duration_seconds: z.number(),
  utterances: z
    .array(
      z.object({
        speaker: z.number().int().min(0),
        text: z.string().min(1),
        offset: z.number().int().min(0),
        duration: z.number().int().min(1),
      }),
    )
    .min(2),
  speaker_map: z.record(z.string().regex(/^\d+$/), z.string()),
  speakers: z.array(z.string().regex(/^SPEAKER_\d\d$/)),
  words: z
    .array(
      z.object({
        word: z.string(),
        start: z.number(),
        end: z.number(),
        score: z.number(),
        speaker: z.string().optional(),
      }),
    )
    .min(10),
  segments: z.array(z.object({ start: z.number(), end: z.number(), text: z.string() })).min(2),
});

const OLD_FIELDS = { language: 'en', diarization: 'true', alignment: 'true' };

async function send(base: string, fields: Fields): Promise<unknown> {
  const body = new FormData();
  body.append('file', await recording('en_dialogue.flac'));
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const response = await fetch(`${base}/transcribe/whisperx`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}` },
    body,
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text);
}

describe.each([
  ['origin', () => origin.url],
  ['edge', () => edge.url],
] as const)('an audio server in front of the %s', (_where, base) => {
  let answer: z.infer<typeof Read>;
  beforeAll(async () => {
    answer = Read.parse(await send(base(), OLD_FIELDS));
  });

  it('hears two speakers, named by number and by label alike', () => {
    const { utterances, speaker_map: map, speakers } = answer;
    expect(speakers).toEqual(['SPEAKER_00', 'SPEAKER_01']);
    expect(map).toEqual({ '0': 'SPEAKER_00', '1': 'SPEAKER_01' });
    expect(new Set(utterances.map(({ speaker }) => speaker))).toEqual(new Set([0, 1]));
  });

  it('gets utterances in milliseconds, in order and inside the recording', () => {
    let latest = 0;
    for (const { offset, duration } of answer.utterances) {
      expect(offset).toBeGreaterThanOrEqual(latest);
      expect(offset + duration).toBeLessThanOrEqual(Math.ceil(answer.duration_seconds * 1000));
      latest = offset;
    }
    // Seconds in their place would end within the first one.
    expect(latest).toBeGreaterThan(5000);
  });

  it('finds every word of the text in the utterances, with its speaker', () => {
    const { text, utterances, words, speaker_map: map } = answer;
    expect(utterances.map((it) => it.text).join(' ')).toBe(text);
    expect(words.map(({ word }) => word).join(' ')).toBe(text);
    const labels = new Set(Object.values(map));
    expect(words.filter(({ speaker }) => !labels.has(speaker ?? ''))).toEqual([]);
  });

  it('gets no speakers and no word times when its fields say so', async () => {
    const plain = { language: 'en', diarization: 'false', alignment: '0' };
    const without = await send(base(), plain);
    expect(without).toMatchObject({ speakers: null, words: null, segments: expect.any(Array) });
    expect(without).not.toHaveProperty('utterances');
  });
});
