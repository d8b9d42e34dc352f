import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEdgeApp } from '#edge-worker/app.ts';
import { readBindings } from '#edge-worker/bindings.ts';
import { createDependencies } from '#edge-worker/dependencies.ts';
import type { MetricSample } from '#edge-worker/metrics/edge-metrics.ts';
import type { Principal } from '#shared/auth/principal.ts';
import { fail, ok } from '#shared/result.ts';
import { readExposition } from '#test/support/exposition.ts';
import { APP, HEALTH, MODELS, playEdge, recordingForm } from '#test/worker/support/edge.ts';

const INTERNAL: Principal = { ...APP, kind: 'internal', id: 'internal', name: 'internal' };
const PROBLEM = { status: 400, headers: { 'Content-Type': 'application/problem+json' } };

const as = (principal: Principal) => ({
  authenticate: async () => ok({ principal, via: 'credential' as const }),
});

const down = (): Response => {
  throw new TypeError('nobody there');
};

/** An edge whose reports the test collects. */
function playCounted(
  play: Parameters<typeof playEdge>[0],
  settings: Parameters<typeof playEdge>[1] = {},
) {
  const samples: MetricSample[] = [];
  const metrics = {
    report: async (report: readonly MetricSample[]) => void samples.push(...report),
    read: async () => [],
  };
  return { ...playEdge(play, { metrics, ...settings }), samples };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('GET /metrics', () => {
  it.each([
    ['nobody', { ...APP, kind: 'anonymous' }, 401],
    ['an app', APP, 403],
    ['a key of mana-auth', { ...APP, kind: 'external-key' }, 403],
    ['a person', { ...APP, kind: 'user' }, 403],
    ['the house', INTERNAL, 200],
  ] as const)('answers %s', async (_name, principal, status) => {
    const { app } = playEdge({ one: () => Response.json(HEALTH) }, as(principal));
    const response = await app.request('/metrics');
    expect(response.status).toBe(status);
    expect((await response.text()).includes('mana_stt_edge_')).toBe(status === 200);
  });

  it('answers a wrong key with 401', async () => {
    const authenticate = async () => fail({ kind: 'unknown_key' as const });
    const { app } = playEdge({ one: () => Response.json(HEALTH) }, { authenticate });
    const response = await app.request('/metrics');
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('ApiKey');
  });

  it('has no limit of requests', async () => {
    const refuse = () => {
      throw new Error('counted');
    };
    const principal = { ...INTERNAL, rateLimit: { requests: 1, windowSeconds: 60 } };
    const settings = { ...as(principal), limiterFor: refuse };
    const { app } = playEdge({ one: () => Response.json(HEALTH) }, settings);
    expect((await app.request('/metrics')).status).toBe(200);
  });

  it('shows an origin that cannot be reached as 0, with the others', async () => {
    const headers = { 'X-Mana-Load': 'free=3;waiting=4' };
    const { app } = playEdge(
      { one: () => Response.json(HEALTH, { headers }), two: down },
      as(INTERNAL),
    );
    const response = await app.request('/metrics');
    expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const page = readExposition(await response.text());
    expect(page.value('mana_stt_edge_origin_up', { origin: 'one' })).toBe(1);
    expect(page.value('mana_stt_edge_origin_free_slots', { origin: 'one' })).toBe(3);
    expect(page.value('mana_stt_edge_origin_waiting', { origin: 'one' })).toBe(4);
    expect(page.value('mana_stt_edge_origin_up', { origin: 'two' })).toBe(0);
    expect(page.value('mana_stt_edge_origin_free_slots', { origin: 'two' })).toBe(0);
    expect(page.value('mana_stt_edge_build_info', { version: 'test' })).toBe(1);
  });

  it("takes an origin's word in /health when it says nothing with its answers", async () => {
    const health = { ...HEALTH, free_slots: 2, queue_waiting: 1, jobs_waiting: 5 };
    const { app } = playEdge({ one: () => Response.json(health) }, as(INTERNAL));
    const page = readExposition(await (await app.request('/metrics')).text());
    expect(page.value('mana_stt_edge_origin_free_slots', { origin: 'one' })).toBe(2);
    expect(page.value('mana_stt_edge_origin_waiting', { origin: 'one' })).toBe(6);
  });

  it('shows breakers as numbers', async () => {
    const views = [
      { backend: 'well', state: 'closed', isOpen: false, last: null },
      { backend: 'tried', state: 'half-open', isOpen: true, last: null },
      { backend: 'rested', state: 'open', isOpen: false, last: null },
      { backend: 'broken', state: 'open', isOpen: true, last: null },
    ] as const;
    const breakers = {
      look: async () => views,
      admit: async () => ({ permit: 0, retryAfterMs: 0 }),
      report: async () => {},
    };
    const { app } = playEdge({ one: down }, { ...as(INTERNAL), breakers });
    const page = readExposition(await (await app.request('/metrics')).text());
    const values = views.map(({ backend }) =>
      page.value('mana_stt_edge_breaker_state', { backend }),
    );
    expect(values).toEqual([0, 1, 1, 2]);
  });

  it('shows what the requests before it reported', async () => {
    const { app } = playEdge({ one: () => Response.json(HEALTH) }, as(INTERNAL));
    await app.request('/health');
    await app.request('/health');
    const page = readExposition(await (await app.request('/metrics')).text());
    const labels = { route: '/health', status: '200' };
    expect(page.value('mana_stt_edge_requests_total', labels)).toBe(2);
    const { route } = labels;
    expect(page.value('mana_stt_edge_request_duration_seconds_count', { route })).toBe(2);
  });

  it('is added up over isolates, by the object that the Worker binds', async () => {
    const { app } = playEdge(
      { one: () => Response.json(HEALTH) },
      {
        ...as(INTERNAL),
        metrics: env.METRICS.get(env.METRICS.idFromName('of-this-test')),
      },
    );
    const context = createExecutionContext();
    await app.fetch(new Request('https://edge.test/health'), {}, context);
    await waitOnExecutionContext(context);
    const page = readExposition(await (await app.request('/metrics')).text());
    const labels = { route: '/health', status: '200' };
    expect(page.value('mana_stt_edge_requests_total', labels)).toBe(1);
  });

  it('is wired to the bindings of the Worker', async () => {
    const config = readBindings({
      ...env,
      ...{ API_KEYS: 'sk-test:test', INTERNAL_API_KEY: 'sk-internal' },
      ORIGINS: 'nobody=http://127.0.0.1:9',
    });
    if (!config.ok) throw new Error(config.error.join());
    const app = createEdgeApp(createDependencies(config.value));
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('nobody there'));
    const ask = async (key: string) => {
      const context = createExecutionContext();
      const headers = { 'X-API-Key': key };
      const request = new Request('https://edge.test/metrics', { headers });
      const response = await app.fetch(request, {}, context);
      await waitOnExecutionContext(context);
      return [response.status, await response.text()] as const;
    };
    expect((await ask('sk-wrong'))[0]).toBe(401);
    expect((await ask('sk-test'))[0]).toBe(403);
    const [status, text] = await ask('sk-internal');
    expect(status).toBe(200);
    const page = readExposition(text);
    const refused = page.value('mana_stt_edge_refusals_total', { reason: 'unknown_key' });
    expect(refused).toBeGreaterThanOrEqual(1);
    const labels = { route: '/metrics', status: '403' };
    expect(page.value('mana_stt_edge_requests_total', labels)).toBeGreaterThanOrEqual(1);
    expect(page.value('mana_stt_edge_origin_up', { origin: 'nobody' })).toBe(0);
    expect(page.families.find(({ name }) => name.endsWith('build_info'))?.samples).toHaveLength(1);
  });

  it('is closed at the Worker itself without a key', async () => {
    const response = await exports.default.fetch('https://edge.test/metrics');
    expect(response.status).toBe(401);
    const app = { headers: { 'X-API-Key': 'sk-test' } };
    expect((await exports.default.fetch('https://edge.test/metrics', app)).status).toBe(403);
  });
});

describe('requestMetrics', () => {
  it("labels the route by its pattern, never by a caller's path", async () => {
    const { app, samples } = playCounted({ one: () => Response.json(MODELS) });
    await app.request('/models?x=secret');
    await app.request('/secret/../secret%0A"}');
    await app.request('/transcribe');
    const counted = samples.filter(({ metric }) => metric === 'requests');
    expect(counted).toMatchObject([
      { labels: ['/models', '200'] },
      { labels: ['/*', '404'] },
      { labels: ['/*', '405'] },
    ]);
    expect(JSON.stringify(samples)).not.toContain('secret');
  });

  it('counts refusals by reason and limits by kind', async () => {
    const origins = { one: () => Response.json(MODELS) };
    const refused = playCounted(origins, {
      authenticate: async () => fail({ kind: 'unknown_key' as const }),
    });
    await refused.app.request('/models');
    expect(refused.samples).toContainEqual({
      metric: 'refusals',
      labels: ['unknown_key'],
      value: 1,
    });
    const shut = playCounted(origins, { ipShield: { limit: async () => ({ success: false }) } });
    await shut.app.request('/models');
    expect(shut.samples).toContainEqual({ metric: 'limited', labels: ['address'], value: 1 });
    const limited = playCounted(
      origins,
      as({ ...APP, id: 'key:limited', rateLimit: { requests: 1, windowSeconds: 60 } }),
    );
    await limited.app.request('/models');
    await limited.app.request('/models');
    expect(limited.samples).toContainEqual({ metric: 'limited', labels: ['requests'], value: 1 });
  });

  it('counts attempts, audio and bytes of a recording', async () => {
    const { app, samples } = playCounted({
      one: () => Response.json({ text: 'a' }, { headers: { 'X-Audio-Seconds': '12.5' } }),
    });
    const body = recordingForm();
    expect((await app.request('/transcribe', { method: 'POST', body })).status).toBe(200);
    expect(samples).toContainEqual({
      metric: 'attempts',
      labels: ['whisperx.one', 'ok'],
      value: 1,
    });
    expect(samples).toContainEqual({ metric: 'audioSeconds', labels: ['whisperx'], value: 12.5 });
    const upload = samples.find(({ metric }) => metric === 'uploadBytes');
    expect(upload?.value).toBeGreaterThan(1000);
  });

  it('tells a breaker that let nobody through from a failure', async () => {
    const breakers = {
      look: async () => [],
      admit: async () => ({ permit: null, retryAfterMs: 5000 }),
      report: async () => {},
    };
    const { app, samples } = playCounted({ one: () => Response.json(HEALTH) }, { breakers });
    await app.request('/transcribe/auto', { method: 'POST', body: recordingForm() });
    const attempts = samples.filter(({ metric }) => metric === 'attempts');
    expect(attempts).toContainEqual({
      metric: 'attempts',
      labels: ['whisperx', 'circuit_open'],
      value: 1,
    });
  });

  it('charges no audio to an answer that is an error', async () => {
    const init = { ...PROBLEM, headers: { ...PROBLEM.headers, 'X-Audio-Seconds': '12.5' } };
    const { app, samples } = playCounted({ one: () => Response.json({}, init) });
    await app.request('/transcribe', { method: 'POST', body: recordingForm() });
    expect(samples.filter(({ metric }) => metric === 'audioSeconds')).toEqual([]);
  });

  it('takes no size from a caller who was not let in', async () => {
    const authenticate = async () => fail({ kind: 'no_credential' as const });
    const { app, samples } = playCounted({ one: () => Response.json({}) }, { authenticate });
    const headers = { 'Content-Length': '99999999' };
    await app.request('/transcribe', { method: 'POST', body: 'x', headers });
    expect(samples.filter(({ metric }) => metric === 'uploadBytes')).toEqual([]);
  });

  it('keeps the answer when counting fails, and says so once a minute', async () => {
    const metrics = { report: () => Promise.reject(new Error('full')), read: async () => [] };
    const { app, log, clock } = playEdge({ one: () => Response.json(HEALTH) }, { metrics });
    const ask = async () => {
      const context = createExecutionContext();
      const response = await app.fetch(new Request('https://edge.test/health'), {}, context);
      await waitOnExecutionContext(context);
      return response.status;
    };
    const told = () => log.filter(({ msg }) => msg === 'requests were not counted').length;
    expect([await ask(), await ask(), told()]).toEqual([200, 200, 1]);
    clock.nowMs += 60_000;
    expect([await ask(), told()]).toEqual([200, 2]);
  });

  it('keeps the Worker alive from the start, so that a client who leaves is counted too', async () => {
    const kept: Promise<unknown>[] = [];
    const context = {
      ...{ waitUntil: (work: Promise<unknown>) => void kept.push(work), props: {} },
      passThroughOnException: () => {},
    };
    let keptAtWork = 0;
    const { app, samples } = playCounted({
      one: () => {
        keptAtWork = kept.length;
        return Response.json(HEALTH);
      },
    });
    await app.fetch(new Request('https://edge.test/health'), {}, context);
    expect(keptAtWork).toBe(1);
    await Promise.all(kept);
    expect(samples).toHaveLength(2);
  });

  it('does not wait for the count', async () => {
    const metrics = { report: () => new Promise<void>(() => {}), read: async () => [] };
    const { app } = playEdge({ one: () => Response.json(HEALTH) }, { metrics });
    expect((await app.request('/health')).status).toBe(200);
  });
});
