import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { MODELS } from '#test/worker/support/edge.ts';
import type { PlayMistral } from '#test/worker/support/routed.ts';
import { KEY, playRouted, routedForm, TRANSCRIPT } from '#test/worker/support/routed.ts';

const down = () => Promise.reject(new TypeError('network connection lost'));
const refuse = (status: number, code: string) => () =>
  Response.json({ code, detail: 'no' }, { status, headers: { 'Retry-After': '7' } });
const fault =
  (status: number, body: unknown = {}, headers = {}): PlayMistral =>
  () =>
    Response.json(body, { status, headers });

interface Body {
  readonly [member: string]: unknown;
  readonly warnings?: readonly string[];
}

async function ask(
  edge: ReturnType<typeof playRouted>,
  fields: Readonly<Record<string, string>> = {},
  route = 'auto',
) {
  const response = await edge.app.request(`/transcribe/${route}`, routedForm(fields));
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  const body: Body = isJson === true ? JSON.parse(text) : {};
  return {
    status: response.status,
    headers: response.headers,
    text,
    body,
    backend: response.headers.get('x-mana-backend'),
    route: response.headers.get('x-mana-route'),
  };
}

describe('POST /transcribe/auto', () => {
  it('is answered by our own machines, as they said it', async () => {
    const edge = playRouted({});
    const answer = await ask(edge);
    expect(answer).toMatchObject({ status: 200, body: TRANSCRIPT, backend: 'whisperx' });
    expect(answer.route).toBe('whisperx.one=ok');
    expect(edge.seenByMistral).toEqual([]);
  });

  it('is answered by Mistral when our machines are down, and says so', async () => {
    const answer = await ask(playRouted({ whisper: down }));
    expect(answer).toMatchObject({ status: 200, backend: 'mistral' });
    expect(answer.route).toBe('whisperx.one=backend_unavailable, mistral=ok');
    expect(answer.body).toMatchObject({ text: 'Guten Morgen.', model: 'voxtral-mini-2602' });
    expect(answer.body.warnings?.join()).toContain(
      'Answered by mistral, after whisperx (backend_unavailable) failed.',
    );
    expect(answer.headers.get('X-Audio-Seconds')).toBe('4');
  });

  it('waits for our machines only where nobody else may answer', async () => {
    const elapsed = async (fields: Record<string, string>) => {
      const edge = playRouted({ whisper: down });
      const startMs = edge.clock.nowMs;
      await ask(edge, fields);
      return edge.clock.nowMs - startMs;
    };
    expect(await elapsed({})).toBe(0);
    expect(await elapsed({ allow_hosted: 'false' })).toBeGreaterThan(20_000);
  });

  it('says why when Mistral is asked first, though nobody asked for it', async () => {
    const edge = playRouted({ whisper: down });
    await ask(edge);
    const { backend, route, body } = await ask(edge);
    expect([backend, route]).toEqual(['mistral', 'mistral=ok']);
    expect(body.warnings?.join()).toContain('a hosted service: our own machines are down');
  });

  it('is answered by Mistral when our machines are full', async () => {
    const answer = await ask(playRouted({ whisper: refuse(429, 'queue_full') }));
    expect(answer).toMatchObject({ status: 200, backend: 'mistral' });
    expect(answer.route).toBe('whisperx.one=queue_full, mistral=ok');
  });

  it.each(['false', 'No', '0', 'off'])(
    'with allow_hosted=%s never reaches Mistral, whatever else is asked',
    async (value) => {
      const edge = playRouted({ whisper: down });
      for (const more of [
        {},
        { prefer: 'voxtral' },
        { model: 'voxtral-mini-2602' },
        { model: '4B' },
      ]) {
        const answer = await ask(edge, { allow_hosted: value, ...more });
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
      expect(edge.seenByMistral).toEqual([]);
    },
  );

  it('is refused when allow_hosted cannot be read: privacy is never guessed', async () => {
    const edge = playRouted({ whisper: down });
    const answer = await ask(edge, { allow_hosted: 'never' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_fields' } });
    expect(edge.seenByMistral).toEqual([]);
  });

  it('keeps to our machines when the fallback is off, unless Voxtral is asked for', async () => {
    const edge = playRouted({ whisper: down }, { isFallbackEnabled: false });
    expect(await ask(edge)).toMatchObject({ status: 502, body: { code: 'backend_unavailable' } });
    expect(edge.seenByMistral).toEqual([]);
    expect((await ask(edge, { prefer: 'voxtral' })).backend).toBe('mistral');
  });

  it('goes to Voxtral where that is preferred, and to Whisper where it cannot', async () => {
    const edge = playRouted({});
    expect((await ask(edge, { prefer: 'voxtral', language: 'de' })).backend).toBe('mistral');
    expect((await ask(edge, { prefer: 'voxtral', task: 'translate' })).backend).toBe('whisperx');
    expect((await ask(edge, { prefer: 'voxtral', language: 'pl' })).backend).toBe('whisperx');
  });

  it('keeps to a model that is named: Whisper never answers for Voxtral, nor Voxtral for Whisper', async () => {
    const edge = playRouted({ whisper: down, mistral: fault(500) });
    const hosted = await ask(edge, { model: 'voxtral-mini-2602' });
    expect(hosted).toMatchObject({ status: 502, route: expect.stringMatching(/^mistral=/) });
    expect(edge.recordings()).toBe(0);
    const own = await ask(edge, { model: 'whisperx-large-v3' });
    expect(own).toMatchObject({ status: 502, route: expect.stringMatching(/^whisperx/) });
    expect(edge.seenByMistral).toHaveLength(1);
  });

  it('passes on what an origin says of a model that it has not', async () => {
    const edge = playRouted({ whisper: refuse(404, 'unknown_model') });
    const answer = await ask(edge, { model: 'huge' });
    expect(answer).toMatchObject({ status: 404, body: { code: 'unknown_model' } });
    expect(edge.seenByMistral).toEqual([]);
  });

  it.each([400, 413, 415, 422])('takes %d of an origin for final', async (status) => {
    const edge = playRouted({ whisper: refuse(status, 'undecodable_audio') });
    const answer = await ask(edge);
    expect(answer).toMatchObject({ status, body: { detail: 'no' } });
    expect(answer.route).toBe('whisperx.one=undecodable_audio');
    expect(edge.seenByMistral).toEqual([]);
  });

  it('appends its warnings to the JSON of an origin and keeps the rest', async () => {
    const edge = playRouted({ mistral: fault(500) });
    const { body, backend } = await ask(edge, { prefer: 'voxtral' });
    expect(backend).toBe('whisperx');
    expect(body).toEqual({
      ...TRANSCRIPT,
      warnings: ['Something.', 'Answered by whisperx, after mistral (backend_unavailable) failed.'],
    });
  });

  it('has its warnings in X-Warnings where the format has no room', async () => {
    const srt = '1\n00:00:00,000 --> 00:00:01,000\nHi\n';
    const headers = { 'Content-Type': 'application/x-subrip', 'X-Warnings': 'Earlier.' };
    const whisper = () => new Response(srt, { headers });
    const edge = playRouted({ whisper, mistral: fault(500) });
    const answer = await ask(edge, { prefer: 'voxtral', response_format: 'srt', align: 'false' });
    expect(answer.text).toBe(srt);
    expect(answer.headers.get('X-Warnings')).toBe(
      'Earlier. Answered by whisperx, after mistral (backend_unavailable) failed.',
    );
  });

  it('is 503 with the list and the shortest wait when all fail', async () => {
    const mistral = fault(429, {}, { 'Retry-After': '40' });
    const answer = await ask(playRouted({ whisper: refuse(503, 'engine_unavailable'), mistral }));
    expect(answer).toMatchObject({ status: 503, body: { code: 'backends_failed' }, backend: null });
    expect(answer.headers.get('Retry-After')).toBe('7');
    expect(answer.body['detail']).toContain(
      'whisperx (engine_unavailable), mistral (backend_busy)',
    );
    expect(answer.route).toBe('whisperx.one=engine_unavailable, mistral=backend_busy');
  });

  it('is 503 without a Retry-After, and only the words of ours, when Mistral is not set up', async () => {
    const answer = await ask(playRouted({ mistral: null }), { prefer: 'voxtral' });
    expect(answer).toMatchObject({ status: 200, backend: 'whisperx' });
    const only = await ask(playRouted({ mistral: null }), { model: 'voxtral-mini-latest' });
    expect(only).toMatchObject({ status: 503, body: { code: 'no_backend' } });
    expect(only.route).toBe('none; mistral=not_configured, whisperx=unknown_model');
  });

  it('leaves a backend alone that failed too often, and asks it again later', async () => {
    const edge = playRouted({ mistral: fault(500) });
    for (let turn = 0; turn < 7; turn += 1) await ask(edge, { prefer: 'voxtral' });
    expect(edge.seenByMistral).toHaveLength(5);
    const { route } = await ask(edge, { prefer: 'voxtral' });
    expect(route).toBe('whisperx.one=ok; mistral=circuit_open');
    edge.clock.nowMs += 10_000;
    await ask(edge, { prefer: 'voxtral' });
    expect(edge.seenByMistral).toHaveLength(6);
  });

  it('leaves Mistral alone for as long as it asks for', async () => {
    const edge = playRouted({ mistral: fault(429, {}, { 'Retry-After': '30' }) });
    await ask(edge, { prefer: 'voxtral' });
    edge.clock.nowMs += 29_000;
    await ask(edge, { prefer: 'voxtral' });
    expect(edge.seenByMistral).toHaveLength(1);
  });

  it('counts neither a full origin nor a fault of the caller against a backend', async () => {
    const edge = playRouted({ whisper: refuse(429, 'queue_full'), mistral: null });
    for (let turn = 0; turn < 8; turn += 1) await ask(edge);
    expect((await ask(edge)).status).toBe(429);
    expect(edge.recordings()).toBe(9);
  });

  it('lets everything through when the breakers themselves fail', async () => {
    const broken = () => Promise.reject(new Error('no object'));
    const { failOpen } = await import('#edge-worker/backends/breakers.ts');
    const breakers = failOpen({ look: broken, admit: broken, report: broken }, () => {});
    expect(await ask(playRouted({ whisper: down }, { breakers }))).toMatchObject({ status: 200 });
  });

  it('keeps a large recording in the bucket and removes it, whatever comes of it', async () => {
    for (const whisper of [down, () => Response.json(TRANSCRIPT), refuse(400, 'empty_file')]) {
      const edge = playRouted({ whisper });
      const init = routedForm({}, 9 * 1024 * 1024);
      await (await edge.app.request('/transcribe/auto', init)).text();
      expect(edge.recordings()).toBe(1);
    }
    expect((await env.UPLOADS.list()).objects).toEqual([]);
  });

  it('refuses a form without a recording before anybody is asked', async () => {
    const edge = playRouted({});
    const form = new FormData();
    form.append('language', 'de');
    const response = await edge.app.request('/transcribe/auto', { method: 'POST', body: form });
    expect(response.status).toBe(400);
    expect(edge.seen).toEqual([]);
  });

  it('counts the samples of known speakers, and leaves them to those who know voices', async () => {
    const edge = playRouted({});
    const init = routedForm({ known_speaker_names: 'Ada', prefer: 'voxtral' });
    (init.body as FormData).append('known_speaker_references', new File(['RIFF'], 'ada.wav'));
    const response = await edge.app.request('/transcribe/auto', init);
    expect(response.headers.get('x-mana-backend')).toBe('whisperx');
  });
});

describe('POST /transcribe/voxtral', () => {
  it('sends Mistral the recording alone, without its name, and the key in its header', async () => {
    const edge = playRouted({});
    const { status } = await ask(edge, { hotwords: 'Ada, Grace Hopper' }, 'voxtral');
    expect(status).toBe(200);
    const [seen] = edge.seenByMistral;
    expect(seen?.file).toMatchObject({ name: 'recording.wav', type: 'audio/wav', size: 1000 });
    const bytes = new Uint8Array((await seen?.file?.arrayBuffer()) ?? new ArrayBuffer(0));
    expect(bytes).toEqual(new Uint8Array(1000).map((_, index) => index % 251));
    expect(seen?.headers.get('Authorization')).toBe(`Bearer ${KEY}`);
    expect(Number(seen?.headers.get('Content-Length'))).toBeGreaterThan(1000);
    expect(seen?.fields).toEqual([
      ['model', 'voxtral-mini-2602'],
      ['stream', 'true'],
      ['diarize', 'false'],
      ['timestamp_granularities', 'word'],
      ['context_bias', 'Ada'],
      ['context_bias', 'Grace_Hopper'],
    ]);
    expect(edge.seen.filter(({ url }) => url.endsWith('/jobs'))).toEqual([]);
  });

  it('takes an absent language for German where Mistral does not say, and never sends it', async () => {
    const silent = () => Response.json({ text: 'Hm.', usage: { prompt_audio_seconds: 1 } });
    const edge = playRouted({ mistral: silent });
    const { body } = await ask(edge, { align: 'false' }, 'voxtral');
    expect(body['language']).toBe('de');
    expect(edge.seenByMistral[0]?.fields.map(([name]) => name)).not.toContain('language');
    expect((await ask(edge, { align: 'false', prefer: 'voxtral' })).body['language']).toBe('und');
  });

  it.each(['3b', '4B', '24B'])('answers for the old model %s, and says so', async (model) => {
    const { status, body } = await ask(playRouted({}), { model }, 'voxtral');
    expect(status).toBe(200);
    expect(body.warnings?.join()).toContain(`${model.toUpperCase()} was asked for and is not here`);
  });

  it('answers for the realtime model, and says so', async () => {
    const { body } = await ask(playRouted({}), { use_realtime: 'true' }, 'voxtral');
    expect(body.warnings?.join()).toContain('use_realtime was asked for');
  });

  it('is 404 with what there is for any other model', async () => {
    const { status, body } = await ask(playRouted({}), { model: 'large-v3' }, 'voxtral');
    expect(status).toBe(404);
    expect(body['models']).toEqual(expect.arrayContaining(['voxtral-mini-latest', '4B']));
  });

  it('is 422 for what no Voxtral can do, and says why', async () => {
    const answer = await ask(playRouted({}), { task: 'translate' }, 'voxtral');
    expect(answer).toMatchObject({ status: 422, body: { code: 'no_suitable_backend' } });
    expect(answer.body['detail']).toContain('mistral cannot translate');
    expect(answer.route).toBe('none; mistral=cannot_translate, whisperx=not_asked_for');
  });

  it('never falls back to Whisper', async () => {
    const edge = playRouted({ mistral: fault(500) });
    const answer = await ask(edge, {}, 'voxtral');
    expect(answer).toMatchObject({ status: 502, body: { code: 'backend_unavailable' } });
    expect(edge.recordings()).toBe(0);
  });

  it.each<[string, PlayMistral, number, string]>([
    ['refuses the key', fault(401, { detail: 'secret words' }), 502, 'backend_unavailable'],
    ['forbids the key', fault(403, { detail: 'secret words' }), 502, 'backend_unavailable'],
    ['fails', fault(500, { message: 'secret words' }), 502, 'backend_unavailable'],
    ['is busy', fault(429, { message: 'secret words' }), 429, 'backend_busy'],
    [
      'cannot read it',
      fault(400, { message: 'secret words: audio decode failed' }),
      400,
      'undecodable_audio',
    ],
    ['finds it too large', fault(413, 'secret words'), 413, 'recording_too_large'],
    ['finds it too long', fault(400, { message: 'audio too long' }), 413, 'recording_too_large'],
    ['answers nonsense', () => new Response('secret words'), 502, 'backend_unavailable'],
    ['is gone', () => Promise.reject(new TypeError('secret words')), 502, 'backend_unavailable'],
    [
      'refuses a field',
      fault(422, { detail: [{ loc: ['body', 'temperature'] }] }),
      422,
      'invalid_fields',
    ],
  ])('when Mistral %s, answers in its own words', async (_name, mistral, status, code) => {
    const answer = await ask(playRouted({ mistral }), {}, 'voxtral');
    expect(answer).toMatchObject({ status, body: { code } });
    const said = JSON.stringify([answer.text, [...answer.headers]]);
    expect(said).not.toMatch(/secret words|mistral-secret-key/);
    expect(answer.headers.get('Retry-After') === null).toBe([400, 413, 422].includes(status));
  });

  it('tells the operator of a key that is refused, and the caller nothing', async () => {
    const edge = playRouted({ mistral: fault(401) });
    await ask(edge, {}, 'voxtral');
    expect(edge.mistralLog).toMatchObject([
      { level: 'error', msg: 'mistral failed', reason: 'misconfigured', status: 401 },
    ]);
    expect(JSON.stringify(edge.mistralLog)).not.toContain(KEY);
  });

  it('gives subtitles, with the length of the recording in its header', async () => {
    const answer = await ask(playRouted({}), { response_format: 'vtt' }, 'voxtral');
    expect(answer.text).toMatch(/^WEBVTT\n/);
    expect(answer.headers.get('X-Audio-Seconds')).toBe('4');
  });

  it('charges the caller what Mistral heard', async () => {
    const charged: number[] = [];
    const limiter = {
      take: async () => ({
        isAllowed: true,
        limit: 9,
        remaining: 8,
        resetSeconds: 1,
        retryAfterSeconds: 0,
      }),
      checkAudio: async () => ({ isAllowed: true, retryAfterSeconds: 0 }),
      chargeAudio: async (seconds: number) => void charged.push(seconds),
    };
    const principal = { kind: 'local-key', id: 'key:a', name: 'a', scopes: ['stt'] } as const;
    const edge = playRouted(
      {},
      {
        authenticate: async () => ({
          ok: true,
          value: {
            principal: { ...principal, rateLimit: { requests: 9, windowSeconds: 60 } },
            via: 'credential',
          },
        }),
        limiterFor: () => limiter as never,
        audioSecondsPerDay: 100,
      },
    );
    await ask(edge, {}, 'voxtral');
    expect(charged).toEqual([4]);
  });

  it('lets go of Mistral when the client leaves', async () => {
    const left = new AbortController();
    const signals: AbortSignal[] = [];
    const mistral: PlayMistral = (_request, signal) => {
      signals.push(signal);
      left.abort();
      return new Promise(() => {});
    };
    const edge = playRouted({ mistral });
    const request = new Request('https://edge.test/transcribe/voxtral', {
      ...routedForm(),
      signal: left.signal,
    });
    const response = await edge.app.fetch(request);
    expect(response.status).toBe(499);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('is there under the path of gateways too', async () => {
    const edge = playRouted({});
    const response = await edge.app.request('/v1/stt/transcribe/voxtral', routedForm());
    expect(response.status).toBe(200);
    expect(edge.seenByMistral).toHaveLength(1);
  });
});

describe('GET /health and /models', () => {
  const healthOf = async (edge: ReturnType<typeof playRouted>) =>
    (await edge.app.request('/health')).json();

  it('say that Mistral is there, how its last request went, and when', async () => {
    const edge = playRouted({});
    expect(await healthOf(edge)).toMatchObject({
      mistral_api_available: true,
      mistral: { status: 'available', last_outcome: null, age_seconds: null },
    });
    await ask(edge, {}, 'voxtral');
    edge.clock.nowMs += 5000;
    expect(await healthOf(edge)).toMatchObject({
      mistral: { status: 'available', last_outcome: 'success', age_seconds: 5 },
    });
  });

  it('say that it fails as long as its breaker is open', async () => {
    const edge = playRouted({ mistral: fault(429, {}, { 'Retry-After': '60' }) });
    await ask(edge, {}, 'voxtral');
    expect(await healthOf(edge)).toMatchObject({
      mistral_api_available: false,
      mistral: { status: 'failing', last_outcome: 'failure' },
    });
  });

  it('say that it is not set up without a key', async () => {
    expect(await healthOf(playRouted({ mistral: null }))).toMatchObject({
      mistral_api_available: false,
      mistral: { status: 'not_configured' },
    });
  });

  it('list hosted models where there is a key', async () => {
    const hostedOf = async (edge: ReturnType<typeof playRouted>) => {
      const models = await (await edge.app.request('/models')).json<{ voxtral_hosted: string[] }>();
      return models.voxtral_hosted;
    };
    const whisper = () => Response.json(MODELS);
    expect(await hostedOf(playRouted({ whisper }))).toContain('voxtral-mini-2602');
    expect(await hostedOf(playRouted({ whisper, mistral: null }))).toEqual([]);
  });
});
