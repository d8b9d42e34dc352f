/** Who transcribes, with real parts: the Worker in workerd, an origin with its engine, and Mistral's stand-in. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { STAND_IN_TEXT } from '#test/support/mistral-stand-in/answer.ts';
import { type MistralStandIn, startMistralStandIn } from '#test/support/mistral-stand-in.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, post, recording, transcribe } from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
let mistral: MistralStandIn;
let edge: RunningEdge;

beforeAll(async () => {
  const keys = await generateAssertionKeys();
  mistral = await startMistralStandIn();
  origin = await startOrigin({ EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey });
  edge = await startEdge({
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
    MISTRAL_API_KEY: mistral.apiKey,
    MISTRAL_BASE_URL: mistral.baseUrl,
  });
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
  await mistral?.close();
});
beforeEach(() => {
  mistral.requests.length = 0;
  mistral.misbehaviours.length = 0;
});

it('writes en_harbor.flac down on our own machine, and shows it to nobody else', async () => {
  const answer = await transcribe(edge, 'en_harbor.flac', {}, '/transcribe/auto');
  expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  expect(answer.model).toMatch(/^whisperx-/);
  expect(mistral.requests).toEqual([]);
});

it('asks Voxtral where that is preferred', async () => {
  const answer = await transcribe(
    edge,
    'en_harbor.flac',
    { prefer: 'voxtral' },
    '/transcribe/auto',
  );
  expect(answer).toMatchObject({ text: STAND_IN_TEXT, model: 'voxtral-mini-2602' });
});

it('sends the same recording to our machine when Voxtral fails, and says so', async () => {
  mistral.misbehaviours.push({ kind: 'drop' });
  const fields = { prefer: 'voxtral' };
  const answer = await transcribe(edge, 'en_harbor.flac', fields, '/transcribe/auto');
  expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
  expect(answer.warnings).toContain(
    'Answered by whisperx, after mistral (backend_unavailable) failed.',
  );
  expect(mistral.requests).toHaveLength(1);
});

it('writes subtitles on our machine with the failure in a header', async () => {
  mistral.misbehaviours.push({ kind: 'drop' });
  const response = await post(edge, await recording('en_harbor.flac'), {
    fields: { prefer: 'voxtral', response_format: 'srt' },
    route: '/transcribe/auto',
  });
  expect(response.headers.get('x-mana-route')).toBe(
    'mistral=backend_unavailable, whisperx.local=ok',
  );
  expect(response.headers.get('X-Warnings')).toContain('after mistral');
  expect(await response.text()).toMatch(/^1\n00:00:0/);
});

it('passes on what the origin says of a file that is no recording, without asking Mistral', async () => {
  const response = await post(edge, new File(['%PDF-1.7 no sound'], 'talk.mp3'), {
    route: '/transcribe/auto',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'undecodable_audio' });
  expect(mistral.requests).toEqual([]);
});

it('passes on which models there are when one is named that nobody has', async () => {
  const response = await post(edge, await recording('en_harbor.flac'), {
    fields: { model: 'huge' },
    route: '/transcribe/auto',
  });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: 'unknown_model', models: ['base'] });
});

it('lists hosted models beside our own', async () => {
  const models = await (await fetch(`${edge.url}/models`)).json();
  expect(models).toMatchObject({ whisper: ['base'] });
  expect(models).toHaveProperty('voxtral_hosted', expect.arrayContaining(['voxtral-mini-2602']));
});
