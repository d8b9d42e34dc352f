/**
 * `/transcribe/auto` and `/transcribe/voxtral` at a real origin: its engine, the supervisor with the stand-in for vLLM as
 * its child, and the stand-in for Mistral.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelsResponse } from '#shared/contracts/service.ts';
import type { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { STAND_IN_TEXT } from '#test/support/mistral-stand-in/answer.ts';
import { type Fields, post, recording, transcribe } from '#test/support/transcribe-request.ts';
import type { TranscribeMode } from '#test/support/vllm-stand-in/modes.ts';
import { startVoxtralOrigin, type VoxtralOrigin } from '#test/support/voxtral-origin.ts';

const VOXTRAL = '/transcribe/voxtral';
const AUTO = '/transcribe/auto';
const GERMAN = { language: 'de' };

let origin: VoxtralOrigin;

beforeAll(async () => {
  origin = await startVoxtralOrigin();
  // A first use, so that vLLM runs and its modes can be set.
  await transcribe(origin, 'de_bahnhof.flac', GERMAN, VOXTRAL);
});
afterAll(() => origin?.stop());
beforeEach(async () => {
  origin.mistral.requests.length = 0;
  origin.mistral.misbehaviours.length = 0;
  await origin.setModes({ transcribe: [] });
});

/** Fails every try that our client makes for one piece. */
function always(mode: TranscribeMode): TranscribeMode[] {
  return Array.from({ length: 6 }, () => mode);
}

async function send(route: string, fields: Fields = GERMAN) {
  const response = await post(origin, await recording('de_bahnhof.flac'), { fields, route });
  const text = await response.text();
  const headers = {
    backend: response.headers.get('x-mana-backend'),
    route: response.headers.get('x-mana-route'),
  };
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const body = (isJson ? JSON.parse(text) : {}) as TranscriptionResponse & {
    detail: string;
    code: string;
  };
  return { status: response.status, headers, text, body, response };
}

describe('POST /transcribe/voxtral at the origin', () => {
  it('gives the text of vLLM in the contract of Whisper', async () => {
    const { body, headers } = await send(VOXTRAL);
    expect(headers).toEqual({
      backend: 'voxtral',
      route: 'voxtral=ok; whisperx=not_asked_for',
    });
    expect(body.text).toMatch(/Morgen\. Der Zug nach Hamburg fährt heute von Gleis sieben ab\./);
    expect(body).toMatchObject({ model: 'voxtral-mini-3b-2507', language: 'de', speakers: null });
    expect(body.coverage?.transcribed_seconds).toBeGreaterThan(5);
    expect(body.words?.filter(({ timing }) => timing === 'attention').length).toBeGreaterThan(15);
    expect(body.warnings).toEqual([expect.stringContaining('no aligner for "de" is installed')]);
    expect(origin.mistral.requests).toEqual([]);
  });

  it.each([
    ['text', /^(Guten )?Morgen\. Der Zug nach Hamburg/],
    ['srt', /^1\r?\n00:00:00,\d{3} --> 00:00:0/],
    ['vtt', /^WEBVTT\r?\n/],
    ['verbose_json', /"segments":\[\{"id":0/],
    ['tsv', /^start\tend\ttext/],
  ])('gives it as %s', async (format, pattern) => {
    const { status, text } = await send(VOXTRAL, { ...GERMAN, response_format: format });
    expect(status).toBe(200);
    expect(text).toMatch(pattern);
  });

  it('gives no words where none are wanted, but sentences and speakers', async () => {
    const fields = { ...GERMAN, align: 'false', diarize: 'true' };
    const { body } = await send(VOXTRAL, fields);
    expect(body.words).toBeNull();
    expect(body.speakers).toEqual(['SPEAKER_00']);
    expect(body.segments?.every(({ speaker }) => speaker === 'SPEAKER_00')).toBe(true);
  });

  it('names a language to vLLM only where the caller does, and finds it all the same', async () => {
    await send(VOXTRAL);
    expect((await origin.requests()).at(-1)?.fields['language']).toBe('de');
    const { body } = await send(VOXTRAL, {});
    expect((await origin.requests()).at(-1)?.fields['language']).toBeUndefined();
    expect(body.language).toBe('de');
  });

  it.each([
    [{ model: '3B' }, []],
    [{ model: 'voxtral-mini-3b-2507' }, []],
    [{ model: '4B' }, ['4B was asked for and is not here; voxtral-mini-3b-2507 answered.']],
    [{ model: '24b' }, ['24B was asked for and is not here; voxtral-mini-3b-2507 answered.']],
    [
      { use_realtime: 'true' },
      ['use_realtime was asked for and is not here; voxtral-mini-3b-2507 answered.'],
    ],
  ])('answers %o with the model that vLLM serves', async (fields, warnings) => {
    const { body, headers } = await send(VOXTRAL, { ...GERMAN, align: 'false', ...fields });
    expect(headers.backend).toBe('voxtral');
    expect(body.warnings).toEqual(warnings);
  });

  it('sends a model of Mistral to Mistral, whatever runs here', async () => {
    const { body, headers } = await send(VOXTRAL, { model: 'voxtral-mini-2602' });
    expect(body).toMatchObject({ text: STAND_IN_TEXT, model: 'voxtral-mini-2602' });
    expect(headers).toEqual({
      backend: 'mistral',
      route: 'mistral=ok; voxtral=unknown_model, whisperx=not_asked_for',
    });
    const [request] = origin.mistral.requests;
    expect(request?.file).toMatchObject({ name: 'recording.flac' });
  });

  it('refuses a name that no Voxtral has with 404', async () => {
    const { status, body } = await send(VOXTRAL, { model: 'base' });
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'unknown_model' });
  });

  it('refuses a translation with 422', async () => {
    const { status, body } = await send(VOXTRAL, { task: 'translate' });
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'no_suitable_backend' });
  });

  it('refuses what is no recording, without asking anybody else', async () => {
    const file = new File(['This is no sound at all.'.repeat(50)], 'notes.wav');
    const response = await post(origin, file, { route: VOXTRAL });
    expect(response.status).toBe(400);
    expect(origin.mistral.requests).toEqual([]);
  });
});

describe('a vLLM that fails', () => {
  it('in the middle of a request is started again, and the request answered by it', async () => {
    await origin.setModes({ transcribe: ['crash'] });
    const { body, headers } = await send(VOXTRAL);
    expect(headers.route).toBe('voxtral=ok; whisperx=not_asked_for');
    expect(body.text).toMatch(/Der Zug nach Hamburg/);
  });

  it('leaves the recording to Mistral, and the answer says so', async () => {
    await origin.setModes({ transcribe: always('error') });
    const { body, headers } = await send(VOXTRAL);
    expect(headers).toEqual({
      backend: 'mistral',
      route: 'voxtral=error_in_answer, mistral=ok; whisperx=not_asked_for',
    });
    expect(body.text).toBe(STAND_IN_TEXT);
    expect(body.warnings).toContain('Answered by mistral, after voxtral (error_in_answer) failed.');
  });

  it('leaves it to nobody where the recording must stay here: 503 says why', async () => {
    await origin.setModes({ transcribe: always('error') });
    const { status, body, headers } = await send(VOXTRAL, { ...GERMAN, allow_hosted: 'false' });
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'no_backend' });
    expect(body.detail).toContain(
      'Not asked: mistral is hosted by others, which the request forbids',
    );
    expect(headers).toEqual({
      backend: null,
      route: 'voxtral=error_in_answer; mistral=hosted_not_allowed, whisperx=not_asked_for',
    });
    expect(origin.mistral.requests).toEqual([]);
  });

  it('and a Mistral that fails too give 503 with what both said', async () => {
    await origin.setModes({ transcribe: always('error') });
    origin.mistral.misbehaviours.push({ kind: 'drop' });
    const { status, body, response } = await send(VOXTRAL);
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'backends_failed' });
    expect(body.detail).toMatch(/voxtral.*error_in_answer.*mistral.*backend_unavailable/);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('a client that leaves', () => {
  it('ends its request to vLLM, and leaves nothing in the spool', async () => {
    await origin.setModes({ transcribe: ['hang'] });
    const before = (await origin.requests()).length;
    const leaving = new AbortController();
    const { signal } = leaving;
    const line = origin.log.length;
    const answer = post(origin, await recording('de_bahnhof.flac'), {
      ...{ fields: { ...GERMAN, align: 'false' }, route: VOXTRAL, signal },
    });
    answer.catch(() => undefined);
    await origin.begun(before + 1);
    leaving.abort();
    const entry = await origin.logLine(({ route }) => route === VOXTRAL, line);
    expect(entry).toMatchObject({ status: 499, code: 'client_gone' });
    expect(origin.listSpool()).toEqual([]);
    expect(origin.mistral.requests).toEqual([]);
  });
});

describe('POST /transcribe/auto at the origin', () => {
  it('asks our Whisper where nothing else is wanted', async () => {
    const { body, headers } = await send(AUTO);
    expect(headers).toEqual({ backend: 'whisperx', route: 'whisperx=ok' });
    expect(body.model).toBe('whisperx-base');
  });

  it('asks our Voxtral where that is preferred', async () => {
    const { body, headers } = await send(AUTO, { ...GERMAN, prefer: 'voxtral' });
    expect(headers).toEqual({ backend: 'voxtral', route: 'voxtral=ok' });
    expect(body.model).toBe('voxtral-mini-3b-2507');
  });

  it('asks our Whisper, not Mistral, where our Voxtral fails', async () => {
    await origin.setModes({ transcribe: always('blank') });
    const { body, headers } = await send(AUTO, {
      ...GERMAN,
      prefer: 'voxtral',
      allow_hosted: 'false',
    });
    expect(headers).toEqual({
      backend: 'whisperx',
      route: 'voxtral=blank, whisperx=ok; mistral=hosted_not_allowed',
    });
    expect(body.warnings).toContain('Answered by whisperx, after voxtral (blank) failed.');
  });

  it('takes a model of Whisper by its name, and no name that nobody has', async () => {
    expect((await send(AUTO, { model: 'base' })).headers.backend).toBe('whisperx');
    const { status, body } = await send(AUTO, { model: 'nobody' });
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'unknown_model' });
  });

  it('refuses a field of routing that it cannot read', async () => {
    expect((await send(AUTO, { prefer: 'siri' })).status).toBe(422);
  });
});

describe('POST /jobs?route=', () => {
  async function submit(route: string, fields: Fields = GERMAN, headers: Fields = {}) {
    const form = new FormData();
    form.append('file', await recording('de_bahnhof.flac'));
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const url = `${origin.url}/jobs?route=${route}`;
    return await fetch(url, { method: 'POST', body: form, headers });
  }

  async function resultOf(response: Response): Promise<Response> {
    expect(response.status).toBe(202);
    return await fetch(`${origin.url}${response.headers.get('location')}/result?wait=30`);
  }

  it.each([
    ['whisper', GERMAN, 'whisperx-base', null],
    ['voxtral', GERMAN, 'voxtral-mini-3b-2507', 'voxtral'],
    ['auto', GERMAN, 'whisperx-base', 'whisperx'],
    ['auto', { ...GERMAN, prefer: 'voxtral' }, 'voxtral-mini-3b-2507', 'voxtral'],
    ['voxtral', { model: 'voxtral-mini-2602' }, 'voxtral-mini-2602', 'mistral'],
  ])('%s with %o is done as the route would do it', async (route, fields, model, backend) => {
    const result = await resultOf(await submit(route, fields));
    expect(await result.json()).toMatchObject({ model });
    expect(result.headers.get('x-mana-backend')).toBe(backend);
  });

  it('voxtral fails with 503 and its reasons where nobody can do it', async () => {
    await origin.setModes({ transcribe: always('error') });
    const result = await resultOf(await submit('voxtral', { ...GERMAN, allow_hosted: 'false' }));
    expect(result.status).toBe(503);
    expect(await result.json()).toMatchObject({ code: 'no_backend' });
  });

  it('refuses another route with 400, and a bad form with 422 at once', async () => {
    expect((await submit('siri')).status).toBe(400);
    expect((await submit('auto', { prefer: 'siri' })).status).toBe(422);
    expect((await submit('voxtral', { model: 'base' })).status).toBe(404);
  });

  it('does not take the same key for the same form on another route', async () => {
    const headers = { 'Idempotency-Key': 'one-key' };
    expect((await submit('whisper', GERMAN, headers)).status).toBe(202);
    expect((await submit('whisper', GERMAN, headers)).status).toBe(202);
    expect((await submit('voxtral', GERMAN, headers)).status).toBe(422);
  });
});

describe('what the origin says of its backends', () => {
  it('names the models of all of them', async () => {
    const models = ModelsResponse.parse(await (await fetch(`${origin.url}/models`)).json());
    expect(models.voxtral_vllm).toEqual(['voxtral-mini-3b-2507']);
    expect(models.voxtral_hosted).toContain('voxtral-mini-latest');
  });

  it("counts their attempts, and has vLLM's model among those that are loaded", async () => {
    await send(VOXTRAL, { ...GERMAN, align: 'false' });
    const attempts = (backend: string, code: string) =>
      origin.metric(`mana_stt_backend_attempts_total{backend="${backend}",code="${code}"}`);
    expect(await attempts('voxtral', 'ok')).toBeGreaterThan(0);
    expect(await attempts('voxtral', 'error_in_answer')).toBeGreaterThan(0);
    expect(await attempts('mistral', 'ok')).toBeGreaterThan(0);
    expect(await origin.metric('mana_stt_model_loaded{model="voxtral-mini-3b-2507"}')).toBe(1);
  });

  it('tells in /health whether they can be asked', async () => {
    expect(await origin.health()).toMatchObject({
      vllm_available: true,
      vllm_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      mistral_api_available: true,
    });
  });
});

describe('an origin with nothing but Whisper', () => {
  it('answers 503 for Voxtral, with reasons', async () => {
    const other = await startVoxtralOrigin({
      settings: { USE_VLLM: 'false', MISTRAL_API_KEY: '' },
    });
    const response = await post(other, await recording('de_bahnhof.flac'), { route: VOXTRAL });
    expect(response.status).toBe(503);
    expect(response.headers.get('x-mana-route')).toBe(
      'none; mistral=not_configured, whisperx=not_asked_for',
    );
    expect(await other.health()).toMatchObject({
      vllm_available: false,
      vllm_url: null,
      mistral_api_available: false,
    });
    await other.stop();
  });
});

describe('an origin without its Whisper', () => {
  it('gives Voxtral all the same, with times by letters and speech', async () => {
    const other = await startVoxtralOrigin({ settings: { WHISPER_MODEL: 'large-v3' } });
    const answer = await transcribe(other, 'de_bahnhof.flac', { diarize: 'true' }, VOXTRAL);
    expect(new Set(answer.words?.map(({ timing }) => timing))).toEqual(new Set(['estimated']));
    expect(answer).toMatchObject({ language: 'de', speakers: ['SPEAKER_00'] });
    expect(answer.warnings).toEqual([
      'Which language is spoken could not be found; "de" is assumed.',
      'Word times come from letters and speech alone: no aligner for "de" is installed.',
    ]);
    await other.stop();
  });
});

describe('an origin that stops', () => {
  it('leaves no vLLM behind', async () => {
    const other = await startVoxtralOrigin();
    await transcribe(other, 'de_bahnhof.flac', GERMAN, VOXTRAL);
    await other.stop();
    await expect(other.requests()).rejects.toThrow();
  });
});
