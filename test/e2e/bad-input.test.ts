/** What clients send by mistake or in bad faith, over real HTTP: each gets its answer, and nothing stays behind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { filePartHead, openSocket, postHead, readAnswer } from '#test/support/raw-http.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import {
  chords,
  hum,
  pinkNoise,
  type Sound,
  silence,
  wavFile,
  whiteNoise,
} from '#test/support/synthetic-sound.ts';
import {
  errorRateOf,
  FIXTURES,
  type Fields,
  post,
  recording,
  transcribe,
} from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.stop());
afterEach(() => {
  expect(origin.listSpool()).toEqual([]);
});

/** The error's body, after the check that it has the one form all errors have. */
async function refusal(response: Response, status: number) {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  const body = JSON.parse(text);
  expect(body).toMatchObject({ status, request_id: response.headers.get('x-request-id') });
  expect(text).not.toMatch(/spool|node_modules|\/tmp|\.ts:/);
  return body;
}

async function postForm(...fields: [name: string, value: string | File][]): Promise<Response> {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  return fetch(`${origin.url}/transcribe`, { method: 'POST', body });
}

describe('a form without one good file', () => {
  it('is 400 without a file', async () => {
    const body = await refusal(await postForm(['language', 'en']), 400);
    expect(body).toMatchObject({ code: 'no_file', detail: expect.stringContaining('"language"') });
  });

  it('is 400 with an empty one', async () => {
    const body = await refusal(await post(origin, new File([], 'a.wav')), 400);
    expect(body.code).toBe('empty_file');
  });

  it('is 400 with two', async () => {
    const file = await recording('formats/clip.mp3');
    const body = await refusal(await postForm(['file', file], ['file', file]), 400);
    expect(body.code).toBe('several_files');
  });

  it('is 400 with bytes that are no sound', async () => {
    const file = new File([new Uint8Array(50_000).map((_, i) => (i * 31) % 251)], 'a.mp3');
    const body = await refusal(await post(origin, file), 400);
    expect(body.code).toBe('undecodable_audio');
  });
});

describe('a field that cannot be read', () => {
  it.each<{ fields: Fields; wrong: string }>([
    { fields: { align: 'perhaps' }, wrong: 'align' },
    { fields: { alignment: 'perhaps' }, wrong: 'alignment' },
    { fields: { language: 'Klingon' }, wrong: 'language' },
    { fields: { languages: 'de,Klingon' }, wrong: 'languages' },
    { fields: { beam_size: '0' }, wrong: 'beam_size' },
    { fields: { beam_size: '1.5' }, wrong: 'beam_size' },
    { fields: { temperature: 'warm' }, wrong: 'temperature' },
    { fields: { temperature: '2' }, wrong: 'temperature' },
    { fields: { task: 'sing' }, wrong: 'task' },
    { fields: { min_speakers: '3', max_speakers: '2' }, wrong: 'min_speakers' },
    { fields: { prompt: 'x'.repeat(4001) }, wrong: 'prompt' },
  ])('is 422 and named: $wrong', async ({ fields, wrong }) => {
    const response = await post(origin, await recording('formats/clip.mp3'), { fields });
    const { detail } = await refusal(response, 422);
    expect(detail).toEqual([
      { loc: ['body', wrong], msg: expect.any(String), type: expect.any(String) },
    ]);
  });

  it('is 404 for a model that is not here, with those that are', async () => {
    const fields = { model: 'large-v9' };
    const response = await post(origin, await recording('formats/clip.mp3'), { fields });
    const body = await refusal(response, 404);
    expect(body).toMatchObject({ code: 'unknown_model', models: ['base'] });
    expect(body.detail).toContain('large-v9');
  });
});

describe('sound without words', () => {
  it('is an empty text for 0.05 s', async () => {
    const answer = await transcribe(origin, wavFile('short.wav', 0.05, hum));
    expect(answer).toMatchObject({ text: '', words: [], segments: [], duration_seconds: 0.05 });
  });

  it('is an empty text for 10 minutes of silence', async () => {
    const answer = await transcribe(origin, wavFile('silence.wav', 600, silence));
    expect(answer).toMatchObject({ text: '', words: [], segments: [], duration_seconds: 600 });
  });

  it.each<{ name: string; sound: Sound }>([
    { name: 'white noise', sound: whiteNoise() },
    { name: 'pink noise', sound: pinkNoise() },
    { name: 'mains hum', sound: hum },
    { name: 'chords', sound: chords },
  ])('is an empty text for $name', async ({ name, sound }) => {
    const answer = await transcribe(origin, wavFile(`${name}.wav`, 20, sound));
    expect(answer).toMatchObject({ text: '', words: [], segments: [], duration_seconds: 20 });
  });
});

describe('the limit of 100 MB', () => {
  const limit = 100 * 1024 * 1024;

  it('lets a file of exactly 100 MB through to the decoder', async () => {
    const body = await refusal(await post(origin, zeros(limit)), 400);
    expect(body.code).toBe('undecodable_audio');
  });

  it('is 413 for one byte more', async () => {
    const body = await refusal(await post(origin, zeros(limit + 1)), 413);
    expect(body).toMatchObject({ code: 'upload_too_large' });
    expect(body.detail).toContain('100 MB');
  });

  function zeros(bytes: number): File {
    return new File([new Uint8Array(bytes)], 'zeros.wav');
  }
});

describe('a form that breaks off', () => {
  const clip = readFileSync(join(FIXTURES, 'formats/clip.mp3'));

  it('is 400 when its last boundary is missing', async () => {
    const head = filePartHead();
    const length = `Content-Length: ${head.length + clip.length}`;
    const socket = await openSocket(origin.port);
    socket.write(postHead([length, 'Connection: close']) + head);
    socket.write(clip);
    const { status, body } = await readAnswer(socket);
    socket.destroy();
    expect(status).toBe(400);
    expect(JSON.parse(body).code).toBe('malformed_body');
  });

  it('leaves nothing behind when the connection goes in the middle of the file', async () => {
    const from = origin.log.length;
    const socket = await openSocket(origin.port);
    socket.write(postHead(['Content-Length: 1000000']) + filePartHead());
    socket.write(clip);
    await expect.poll(() => origin.metric('mana_stt_active_requests')).toBe(1);
    socket.destroy();
    const line = await origin.logLine(
      ({ msg, status }) => msg === 'request' && status === 499,
      from,
    );
    expect(line['code']).toBe('client_gone');
    expect(await origin.metric('mana_stt_active_requests')).toBe(0);
  });
});

describe('a client that leaves while its recording is worked on', () => {
  it('frees its place and its work; the next one is answered', async () => {
    const from = origin.log.length;
    const leaving = new AbortController();
    const worked = 'mana_stt_stage_duration_seconds_count{stage="vad"}';
    const before = await origin.metric(worked);
    const file = await recording('en_long.flac');
    const answer = post(origin, file, { signal: leaving.signal });
    const refused = expect(answer).rejects.toThrow(/abort/i);
    await expect.poll(() => origin.metric(worked)).toBeGreaterThan(before);
    leaving.abort();
    await refused;
    await origin.logLine(({ msg, status }) => msg === 'request' && status === 499, from);
    expect(await origin.metric('mana_stt_active_requests')).toBe(0);
    expect(origin.listSpool()).toEqual([]);
    const next = await transcribe(origin, 'en_harbor.flac');
    expect(errorRateOf('en_harbor.flac', next)).toBeLessThanOrEqual(0.1);
    expect(origin.log.filter(({ msg }) => msg === 'unexpected failure')).toEqual([]);
  });
});
