/** Voxtral at an origin: a backend of its own at the edge, before Mistral. */
import { describe, expect, it } from 'vitest';
import { playRouted, routedForm } from '#test/worker/support/routed.ts';

const TEXT = { text: 'Guten Tag.', model: 'voxtral-mini-3b-2507', warnings: ['Of the origin.'] };
const hear = () =>
  Response.json(TEXT, {
    headers: { 'x-mana-backend': 'voxtral', 'x-mana-route': 'voxtral=ok; whisperx=not_asked_for' },
  });
const refuse = () => Response.json({ code: 'no_backend', detail: 'no' }, { status: 503 });

async function ask(
  edge: ReturnType<typeof playRouted>,
  fields: Readonly<Record<string, string>> = {},
  { route = 'voxtral', headers = {} } = {},
) {
  const response = await edge.app.request(`/transcribe/${route}`, {
    ...routedForm(fields),
    headers,
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    backend: response.headers.get('x-mana-backend'),
    route: response.headers.get('x-mana-route'),
  };
}

const jobsOf = ({ seen }: ReturnType<typeof playRouted>) =>
  seen.filter(({ method }) => method === 'POST').map(({ url }) => new URL(url));

describe('an origin that serves Voxtral', () => {
  it('gets what asks for Voxtral, as a job on that route', async () => {
    const edge = playRouted({ voxtral: hear });
    const answer = await ask(edge, { prompt: 'Names.' });
    expect(answer).toMatchObject({ status: 200, body: TEXT, backend: 'voxtral' });
    expect(answer.route).toBe('voxtral.one=ok; whisperx=not_asked_for');
    expect(jobsOf(edge).map(({ search }) => search)).toEqual(['?route=voxtral']);
    expect(edge.seenByMistral).toEqual([]);
  });

  it('gives it to Mistral when it fails, and the answer says so', async () => {
    const edge = playRouted({ voxtral: refuse });
    const { backend, route, body } = await ask(edge);
    expect([backend, route]).toEqual([
      'mistral',
      'voxtral.one=no_backend, mistral=ok; whisperx=not_asked_for',
    ]);
    expect(body['warnings']).toContain('Answered by mistral, after voxtral (no_backend) failed.');
  });

  it('gives it to nobody where the recording must stay here', async () => {
    const edge = playRouted({ voxtral: refuse });
    const { status, route } = await ask(edge, { allow_hosted: 'false' });
    expect(status).toBe(503);
    expect(route).toBe(
      'voxtral.one=no_backend; mistral=hosted_not_allowed, whisperx=not_asked_for',
    );
    expect(edge.seenByMistral).toEqual([]);
  });

  it('is asked on auto where Voxtral is preferred, and our Whisper next, under a key of its own', async () => {
    const edge = playRouted({ voxtral: refuse });
    const options = { route: 'auto', headers: { 'Idempotency-Key': 'mine' } };
    const answer = await ask(edge, { prefer: 'voxtral', allow_hosted: 'false' }, options);
    expect(answer).toMatchObject({ status: 200, backend: 'whisperx' });
    const keys = edge.seen
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys).toEqual(['mine.voxtral', 'mine']);
  });

  it('leaves auto to Whisper where nobody prefers anything', async () => {
    const answer = await ask(playRouted({ voxtral: hear }), {}, { route: 'auto' });
    expect(answer.backend).toBe('whisperx');
  });

  it('is known by the names of its models', async () => {
    const edge = playRouted({ voxtral: hear });
    expect((await ask(edge, { model: 'voxtral-mini-3b-2507' })).backend).toBe('voxtral');
    expect((await ask(edge, { model: '24B' })).backend).toBe('voxtral');
    expect((await ask(edge, { model: 'voxtral-mini-2602' })).backend).toBe('mistral');
  });
});

describe('origins without Voxtral', () => {
  it('are asked for none', async () => {
    const edge = playRouted({});
    const { backend, route } = await ask(edge);
    expect([backend, route]).toEqual(['mistral', 'mistral=ok; whisperx=not_asked_for']);
    expect(jobsOf(edge)).toEqual([]);
  });
});
