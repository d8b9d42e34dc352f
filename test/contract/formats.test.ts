import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { DIALOGUE } from '#test/support/dialogue.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin({ CORS_ORIGINS: 'https://app.example' });
  origin.transcriber.holds = true;
});

afterEach(async () => {
  await origin.stop();
});

/** Asks with these fields; what is heard is always the dialogue. */
async function ask(
  fields: Readonly<Record<string, string>>,
  transcript = DIALOGUE,
): Promise<Response> {
  const body = form(['file', RECORDING], ...Object.entries(fields));
  const answer = fetch(`${origin.url}/transcribe`, { method: 'POST', body });
  (await origin.transcriber.job(1)).finish(transcript);
  return answer;
}

/** OpenAI's shape, as strictly as typed clients read it. */
const OpenAiVerbose = z.object({
  task: z.string(),
  language: z.string(),
  duration: z.number(),
  text: z.string(),
  segments: z.array(
    z.object({
      id: z.number().int(),
      seek: z.number().int(),
      start: z.number(),
      end: z.number(),
      text: z.string(),
      tokens: z.array(z.number().int()),
      temperature: z.number(),
      avg_logprob: z.number(),
      compression_ratio: z.number(),
      no_speech_prob: z.number(),
    }),
  ),
  words: z.array(z.object({ word: z.string(), start: z.number(), end: z.number() })).optional(),
  usage: z.object({ type: z.literal('duration'), seconds: z.number() }),
});

describe('response_format', () => {
  it.each([
    ['text', 'text/plain; charset=utf-8'],
    ['srt', 'application/x-subrip; charset=utf-8'],
    ['vtt', 'text/vtt; charset=utf-8'],
    ['tsv', 'text/tab-separated-values; charset=utf-8'],
    ['aud', 'text/plain; charset=utf-8'],
  ])('%s has its own content type, and no markup of JSON', async (name, type) => {
    const response = await ask({ response_format: name });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).not.toContain('{');
  });

  it('json is what is given without it', async () => {
    const response = await ask({});
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = TranscriptionResponse.parse(await response.json());
    expect(body.utterances).toHaveLength(3);
    expect(body.speaker_map).toEqual({ '0': 'Ada', '1': 'SPEAKER_01' });
  });

  it('verbose_json is OpenAI’s', async () => {
    const response = await ask({ response_format: 'verbose_json' });
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = OpenAiVerbose.parse(await response.json());
    expect(body).toMatchObject({ task: 'transcribe', language: 'english', duration: 9.5 });
    expect(body.segments.map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    expect(body.segments[2]).toMatchObject({ seek: 320, start: 3.2, avg_logprob: -0.105 });
    expect(body.words).toBeUndefined();
  });

  it('verbose_json lists what timestamp_granularities asks for', async () => {
    const fields = { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' };
    const body = OpenAiVerbose.partial().parse(await (await ask(fields)).json());
    expect(body.segments).toBeUndefined();
    expect(body.words?.[0]).toEqual({ word: 'Is', start: 0.5, end: 0.838 });
  });

  it('that is not known is refused with 422, as JSON, before any work', async () => {
    const body = form(['file', RECORDING], ['response_format', 'docx']);
    const response = await fetch(`${origin.url}/transcribe`, { method: 'POST', body });
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toBe('application/json');
    const { detail } = (await response.json()) as { detail: { loc: string[]; msg: string }[] };
    expect(detail[0]?.loc).toEqual(['body', 'response_format']);
    expect(detail[0]?.msg).toContain('json, verbose_json, text, srt, vtt, tsv or aud');
    expect(origin.transcriber.jobs).toEqual([]);
  });

  it('leaves failures JSON', async () => {
    const body = form(['file', RECORDING], ['response_format', 'srt']);
    const answer = fetch(`${origin.url}/transcribe`, { method: 'POST', body });
    (await origin.transcriber.job(1)).fail(new Error('broken'));
    const response = await answer;
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
  });

  it('without room for warnings has them in a header, on one line', async () => {
    const warned = { ...DIALOGUE, warnings: ['Cut off – at 3 s.\r\nX-Evil: 1', 'Guessed.'] };
    const response = await ask({ response_format: 'srt' }, warned);
    expect(response.headers.get('x-warnings')).toBe('Cut off ? at 3 s.??X-Evil: 1 Guessed.');
    expect(response.headers.get('x-evil')).toBeNull();
  });
});
