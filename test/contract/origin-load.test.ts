import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOriginApp } from '#origin/app.ts';
import { startServer } from '#origin/server.ts';
import { HealthResponse } from '#shared/contracts/service.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { logLine, startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE: '1' });
  origin.transcriber.holds = true;
});

afterEach(async () => {
  await origin.stop();
});

function post(init: RequestInit = {}): Promise<Response> {
  const body = form(['file', RECORDING]);
  return fetch(`${origin.url}/transcribe`, { method: 'POST', body, ...init });
}

/** Resolves when so many uploads are complete or under way behind the running ones. */
async function waiting(count: number): Promise<void> {
  while (origin.admission.counts().waiting < count) {
    await new Promise(setImmediate);
  }
}

describe('a full line', () => {
  it('answers 429 with the position and Retry-After, and lets the others finish', async () => {
    const first = post();
    const job = await origin.transcriber.job(1);
    const second = post();
    await waiting(1);
    const refused = await post();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'queue_full', position: 2 });
    job.finish();
    (await origin.transcriber.job(2)).finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('frees the place of a client that leaves while it waits', async () => {
    const first = post();
    const job = await origin.transcriber.job(1);
    const client = new AbortController();
    const second = post({ signal: client.signal });
    await waiting(1);
    while ((await origin.listSpool()).length < 2) {
      await new Promise(setImmediate);
    }
    client.abort();
    await expect(second).rejects.toThrow();
    await logLine(origin, ({ code }) => code === 'client_gone');
    expect(origin.admission.counts()).toEqual({ running: 1, waiting: 0 });
    expect(await origin.listSpool()).toHaveLength(1);
    job.finish();
    expect((await first).status).toBe(200);
    expect(origin.transcriber.jobs).toHaveLength(1);
  });

  it('tells the transcriber when the client of running work has left', async () => {
    const client = new AbortController();
    const answer = post({ signal: client.signal });
    await origin.transcriber.job(1);
    const aborted = once(origin.transcriber.events, 'aborted');
    client.abort();
    await expect(answer).rejects.toThrow();
    await aborted;
    const line = await logLine(origin, ({ msg }) => msg === 'request');
    expect(line).toMatchObject({ status: 499, code: 'client_gone' });
    expect(origin.admission.counts()).toEqual({ running: 0, waiting: 0 });
    expect(await origin.listSpool()).toEqual([]);
  });
});

describe('drain', () => {
  it('answers what was accepted, takes no more, and then ends the engine', async () => {
    const first = post();
    const job = await origin.transcriber.job(1);
    const second = post();
    await waiting(1);
    const drained = origin.server.drain();
    await expect(fetch(`${origin.url}/health`)).rejects.toThrow();
    expect(origin.transcriber.isClosed).toBe(false);
    job.finish();
    (await origin.transcriber.job(2)).finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(await drained).toBe(true);
    expect(origin.transcriber.isClosed).toBe(true);
  });

  it('answers 503 to what is still running after DRAIN_TIMEOUT', async () => {
    const hurried = await startTestOrigin({ DRAIN_TIMEOUT: '0' });
    hurried.transcriber.holds = true;
    const body = form(['file', RECORDING]);
    const answer = fetch(`${hurried.url}/transcribe`, { method: 'POST', body });
    await hurried.transcriber.job(1);
    expect(await hurried.server.drain()).toBe(false);
    const response = await answer;
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
    await hurried.stop();
  });
});

describe('startServer', () => {
  it('says in one line that a port is taken', async () => {
    const deps = origin.dependencies;
    const config = { ...deps.config, port: origin.port };
    const started = startServer(createOriginApp(deps), { ...deps, config });
    await expect(started).rejects.toThrow(
      `Port ${origin.port} on 127.0.0.1 is taken; stop the other program or set PORT.`,
    );
  });
});

describe('the load, told with every answer', () => {
  const get = (path: string) => fetch(`${origin.url}${path}`);
  const loadOf = ({ headers }: Response) => headers.get('x-mana-load');

  it.each([
    ['GET', '/health', 200],
    ['GET', '/nowhere', 404],
    ['DELETE', '/transcribe', 405],
    ['GET', '/jobs/AAAAAAAAAAAAAAAAAAAAAA', 404],
  ])('%s %s has it', async (method, path, status) => {
    const answer = await fetch(`${origin.url}${path}`, { method });
    expect(answer.status).toBe(status);
    expect(loadOf(answer)).toBe('free=1;waiting=0');
  });

  it('counts who works, who waits, and jobs once', async () => {
    const first = post();
    await origin.transcriber.job(1);
    const second = post();
    await waiting(1);
    const submit = () => {
      const body = form(['file', RECORDING]);
      return fetch(`${origin.url}/jobs`, { method: 'POST', body });
    };
    expect(loadOf(await submit())).toBe('free=0;waiting=2');
    expect(loadOf(await submit())).toBe('free=0;waiting=3');
    expect(loadOf(await post())).toBe('free=0;waiting=3');
    const health = HealthResponse.parse(await (await get('/health')).json());
    expect(health).toMatchObject({ free_slots: 0, jobs_waiting: 2, is_draining: false });
    origin.transcriber.holds = false;
    for (const job of origin.transcriber.jobs) job.finish();
    await Promise.all([first, second]);
  });

  it('has its own slot free again when a recording is answered', async () => {
    origin.transcriber.holds = false;
    expect(loadOf(await post())).toBe('free=1;waiting=0');
  });

  it('offers nothing from the moment the service was told to stop', async () => {
    const first = post();
    const job = await origin.transcriber.job(1);
    const drained = origin.server.drain();
    const health = await createOriginApp(origin.dependencies).request('/health');
    expect(HealthResponse.parse(await health.json())).toMatchObject({
      free_slots: 0,
      is_draining: true,
    });
    expect(loadOf(health)).toBe('free=0;waiting=0');
    job.finish();
    expect(loadOf(await first)).toBe('free=0;waiting=0');
    await drained;
  });
});
