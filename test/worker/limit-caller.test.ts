import { describe, expect, it } from 'vitest';
import type { Principal } from '#shared/auth/principal.ts';
import { ok } from '#shared/result.ts';
import { APP, MODELS, type Play, playEdge, recordingForm } from '#test/worker/support/edge.ts';

let callers = 0;

/** The app for one new caller with this limit. */
function limited(requests: number, play: Play, audioSecondsPerDay: number | null = null) {
  callers += 1;
  const rateLimit = { requests, windowSeconds: 3600 };
  const principal: Principal = { ...APP, id: `key:limited-${callers}`, rateLimit };
  const authenticate = async () => ok({ principal, via: 'credential' } as const);
  return playEdge({ one: play }, { authenticate, audioSecondsPerDay });
}

const models = () => Response.json(MODELS);
const transcript = (seconds: string) => () =>
  new Response('text', { headers: { 'Content-Type': 'text/plain', 'X-Audio-Seconds': seconds } });
const upload = () => ({ method: 'POST', body: recordingForm() });

describe('the limit of requests', () => {
  it('lets exactly its number pass of 200 at once, and refuses the others', async () => {
    const { app, seen } = limited(50, models);
    const all = await Promise.all(Array.from({ length: 200 }, () => app.request('/models')));
    const count = (status: number) => all.filter((answer) => answer.status === status).length;
    expect([count(200), count(429)]).toEqual([50, 150]);
    expect(seen).toHaveLength(50);
    for (const { headers } of all.filter(({ status }) => status === 429)) {
      expect(headers.get('X-RateLimit-Remaining')).toBe('0');
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    }
  });

  it('is told with every answer, good or bad', async () => {
    const { app } = limited(9, () => Response.json({ code: 'x', detail: '' }, { status: 400 }));
    const bad = await app.request('/transcribe', upload());
    expect(bad.status).toBe(400);
    expect(Object.fromEntries(bad.headers)).toMatchObject({
      'x-ratelimit-limit': '9',
      'x-ratelimit-remaining': '8',
      'x-ratelimit-reset': '3600',
    });
  });

  it('is none for our own machines', async () => {
    const { app } = playEdge({ one: models });
    expect((await app.request('/models')).headers.get('X-RateLimit-Limit')).toBeNull();
  });
});

describe('the limit of audio seconds', () => {
  it('is used up by what was transcribed, in any format', async () => {
    const { app, seen } = limited(9, transcript('70.5'), 100);
    const answers = [];
    for (let times = 0; times < 3; times += 1)
      answers.push(await app.request('/transcribe', upload()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(answers[2]?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(seen).toHaveLength(2);
  });

  it('is not touched by work that failed, nor by other routes', async () => {
    const { app } = limited(
      9,
      ({ url }) =>
        url.endsWith('/models') ? models() : Response.json({ code: 'x' }, { status: 400 }),
      1,
    );
    await app.request('/transcribe', upload());
    await app.request('/models');
    expect((await app.request('/transcribe', upload())).status).toBe(400);
  });

  it('gives the text out and tells the log when an origin does not say how long it was', async () => {
    const { app, log } = limited(9, transcript('soon'), 100);
    expect((await app.request('/transcribe', upload())).status).toBe(200);
    expect(log).toContainEqual(expect.objectContaining({ level: 'error' }));
  });
});
