import { afterEach, describe, expect, it } from 'vitest';
import { form, RECORDING } from '#test/support/forms.ts';
import {
  startTestOrigin,
  type TestOrigin,
  type TestOriginOptions,
} from '#test/support/origin-server.ts';

const INTERNAL = 'sk-internal-key';
const NOON_MS = Date.UTC(2030, 0, 1, 12);

let origin: TestOrigin;
afterEach(() => origin.stop());

async function start(environment: Record<string, string>, options: TestOriginOptions = {}) {
  const keys = { API_KEYS: 'sk-app1:app1,sk-app2:app2', INTERNAL_API_KEY: INTERNAL };
  origin = await startTestOrigin({ ...keys, ...environment }, options);
}

const as = (key: string) => ({ headers: { 'x-api-key': key } });
const models = (key: string) => fetch(`${origin.url}/models`, as(key));
const bring = (path: string, key: string) =>
  fetch(`${origin.url}${path}`, { ...as(key), method: 'POST', body: form(['file', RECORDING]) });

describe('the limit of requests', () => {
  it('stands in the headers of every answer', async () => {
    await start({ RATE_LIMIT_REQUESTS: '3', RATE_LIMIT_WINDOW: '100' });
    const left: (string | null)[] = [];
    for (const path of ['/models', '/jobs/none', '/models', '/models']) {
      const { headers } = await fetch(`${origin.url}${path}`, as('sk-app1'));
      expect(headers.get('x-ratelimit-limit')).toBe('3');
      expect(headers.get('x-ratelimit-reset')).toMatch(/^\d+$/);
      left.push(headers.get('x-ratelimit-remaining'));
    }
    expect(left).toEqual(['2', '1', '0', '0']);
  });

  it('is an answer of 429 with the time to wait, before a place is taken', async () => {
    await start({ RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_WINDOW: '100' });
    await models('sk-app1');
    const answer = await bring('/transcribe', 'sk-app1');
    expect(answer.status).toBe(429);
    expect(await answer.json()).toMatchObject({ code: 'rate_limited' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(origin.transcriber.jobs).toHaveLength(0);
  });

  it('is of each app, and not of the internal key', async () => {
    await start({ RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_WINDOW: '100' });
    expect((await models('sk-app1')).status).toBe(200);
    expect((await models('sk-app1')).status).toBe(429);
    expect((await models('sk-app2')).status).toBe(200);
    for (let count = 0; count < 5; count++) {
      const answer = await models(INTERNAL);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-ratelimit-limit')).toBeNull();
    }
  });

  it('costs a stranger nothing that an app has', async () => {
    await start({ RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_WINDOW: '100' });
    const refused = await models('sk-stranger');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('x-ratelimit-limit')).toBeNull();
    expect((await models('sk-app1')).status).toBe(200);
  });

  it('lets exactly so many of 200 pass that come at once', async () => {
    await start({ RATE_LIMIT_REQUESTS: '50', RATE_LIMIT_WINDOW: '1000' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => models('sk-app1')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
    expect(statuses.filter((status) => status === 429)).toHaveLength(150);
    const page = await (await fetch(`${origin.url}/metrics`)).text();
    expect(page).toContain('mana_stt_rate_limited_total{limit="requests"} 150');
  });
});

describe('the limit of audio per day', () => {
  // The driven transcriber hears 1.23456 s in every recording.
  it('is charged by what was transcribed, and refuses when it is used up', async () => {
    await start({ RATE_LIMIT_AUDIO_SECONDS: '2' }, { wallNow: () => NOON_MS });
    const answers = [];
    for (let count = 0; count < 3; count++) answers.push(await bring('/transcribe', 'sk-app1'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(await answers[2]?.json()).toMatchObject({
      code: 'rate_limited',
      detail: expect.stringMatching(/^The audio that you may send in a day is used up/),
    });
    expect(answers[2]?.headers.get('retry-after')).toBe('43200');
    expect((await bring('/jobs', 'sk-app1')).status).toBe(429);
    expect((await bring('/transcribe', 'sk-app2')).status).toBe(200);
    expect((await bring('/transcribe', INTERNAL)).status).toBe(200);
    expect((await models('sk-app1')).status).toBe(200);
  });

  it('is charged by jobs too', async () => {
    await start({ RATE_LIMIT_AUDIO_SECONDS: '1' }, { wallNow: () => NOON_MS });
    origin.jobs.start();
    const { headers } = await bring('/jobs', 'sk-app1');
    const result = `${origin.url}${headers.get('location')}/result?wait=30`;
    expect((await fetch(result, as('sk-app1'))).status).toBe(200);
    expect((await bring('/transcribe', 'sk-app1')).status).toBe(429);
  });

  it('charges nothing for a recording that could not be transcribed', async () => {
    await start({ RATE_LIMIT_AUDIO_SECONDS: '1' }, { wallNow: () => NOON_MS });
    origin.transcriber.holds = true;
    const failed = bring('/transcribe', 'sk-app1');
    (await origin.transcriber.job(1)).fail(new Error('broken'));
    expect((await failed).status).toBe(500);
    origin.transcriber.holds = false;
    expect((await bring('/transcribe', 'sk-app1')).status).toBe(200);
  });

  it('begins anew with the day', async () => {
    let nowMs = NOON_MS;
    await start({ RATE_LIMIT_AUDIO_SECONDS: '1' }, { wallNow: () => nowMs });
    await bring('/transcribe', 'sk-app1');
    expect((await bring('/transcribe', 'sk-app1')).status).toBe(429);
    nowMs += 43_200_000;
    expect((await bring('/transcribe', 'sk-app1')).status).toBe(200);
  });
});
