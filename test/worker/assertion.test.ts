import { describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { createAssertionSigner, createAssertionVerifier } from '#shared/auth/edge-assertion.ts';
import { createReplayGuard } from '#shared/auth/replay-guard.ts';
import { APP, HEALTH, MODELS, playEdge, recordingForm } from '#test/worker/support/edge.ts';

const now = () => 1_700_000_000_000;
const audience = 'origin-under-test';
const keys = await generateAssertionKeys();
const sign = createAssertionSigner({ privateKey: JSON.parse(keys.privateKey), audience, now });

/** Each counts once, as at an origin. */
const verify = createAssertionVerifier({
  publicKeys: [JSON.parse(keys.publicKey)],
  audience,
  now,
  replays: createReplayGuard({ now }),
});

describe('what the edge sends to an origin', () => {
  it('says who calls, for exactly this request', async () => {
    const { app, seen } = playEdge({ one: () => Response.json({ text: '' }) }, { sign });
    const headers = { 'X-API-Key': 'k', 'X-Mana-Assertion': 'forged' };
    await app.request('/transcribe', { method: 'POST', body: recordingForm(), headers });
    const [request] = seen;
    if (request === undefined) throw new Error('nothing was sent');
    const assertion = request.headers.get('X-Mana-Assertion') ?? '';
    expect(await verify(assertion, request)).toEqual({ ok: true, value: APP });
    expect(await verify(assertion, request)).toEqual({ ok: false, error: 'replayed' });
  });

  it('has an assertion of its own for every origin', async () => {
    const { app, seen } = playEdge(
      { one: () => Response.json(MODELS), two: () => Response.json(MODELS) },
      { sign },
    );
    await app.request('/models');
    const sent = seen.map(({ headers }) => headers.get('X-Mana-Assertion'));
    expect(new Set(sent).size).toBe(2);
  });

  it('asserts nothing where nobody was asked who they are', async () => {
    const { app, seen } = playEdge({ one: () => Response.json(HEALTH) }, { sign });
    await app.request('/health');
    expect(seen[0]?.headers.get('X-Mana-Assertion')).toBeNull();
  });
});
