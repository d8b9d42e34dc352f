/** Voxtral through the edge: the Worker in workerd, an origin with its engine, and the stand-ins for vLLM and Mistral. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { STAND_IN_TEXT } from '#test/support/mistral-stand-in/answer.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { post, recording, transcribe } from '#test/support/transcribe-request.ts';
import { startVoxtralOrigin, type VoxtralOrigin } from '#test/support/voxtral-origin.ts';

const ROUTE = '/transcribe/voxtral';

let origin: VoxtralOrigin;
let edge: RunningEdge;

beforeAll(async () => {
  const keys = await generateAssertionKeys();
  // Only the edge knows Mistral.
  const settings = { EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey, MISTRAL_API_KEY: '' };
  origin = await startVoxtralOrigin({ settings });
  edge = await startEdge({
    ORIGINS: `local=${origin.url}`,
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
    MISTRAL_API_KEY: origin.mistral.apiKey,
    MISTRAL_BASE_URL: origin.mistral.baseUrl,
  });
  await transcribe(edge, 'de_bahnhof.flac', { language: 'de' }, ROUTE);
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});
beforeEach(() => origin.setModes({ transcribe: [] }));

async function send(fields: Readonly<Record<string, string>>) {
  const file = await recording('de_bahnhof.flac');
  const response = await post(edge, file, { fields: { language: 'de', ...fields }, route: ROUTE });
  const body = (await response.json()) as { text: string; model: string; warnings: string[] };
  return { response, body };
}

it('is our own where an origin serves it, and Mistral hears nothing', async () => {
  const { response, body } = await send({ diarize: 'true' });
  expect(body).toMatchObject({ model: 'voxtral-mini-3b-2507', speakers: ['SPEAKER_00'] });
  expect(response.headers.get('x-mana-backend')).toBe('voxtral');
  expect(response.headers.get('x-mana-route')).toBe('voxtral.local=ok; whisperx=not_asked_for');
  expect(origin.mistral.requests).toEqual([]);
});

it('is Mistral where our own fails, and 503 where it must not be', async () => {
  await origin.setModes({ transcribe: Array.from({ length: 12 }, () => 'error' as const) });
  const refused = await send({ allow_hosted: 'false' });
  expect(refused.response.status).toBe(503);
  expect(origin.mistral.requests).toEqual([]);
  const { response, body } = await send({});
  expect(body.text).toBe(STAND_IN_TEXT);
  expect(body.warnings).toContain('Answered by mistral, after voxtral (no_backend) failed.');
  expect(response.headers.get('x-mana-backend')).toBe('mistral');
});
