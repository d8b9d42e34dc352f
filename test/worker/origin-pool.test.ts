/** `POST /transcribe` over the jobs of origins that a test plays request by request. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { ByteBudget } from '#edge-worker/upload/byte-budget.ts';
import {
  HEALTH,
  type Play,
  playEdge,
  recordingForm,
  type SeenRequest,
} from '#test/worker/support/edge.ts';

const text = () => Response.json({ text: 'hi' });
const fault = (status: number, code: string) => Response.json({ code, detail: 'no' }, { status });
const accepted = (id = 'j1') =>
  Response.json({}, { status: 202, headers: { Location: `/jobs/${id}` } });
const cut = () => Promise.reject(new TypeError('the line was cut'));

const form = () => ({ method: 'POST', body: recordingForm() });
const line = ({ method, url }: SeenRequest) => `${method} ${new URL(url).pathname}`;

/** Answers requests in this order; the last one from then on. */
function inTurn(...plays: Play[]): Play {
  return (request) => {
    const play = plays.length > 1 ? plays.shift() : plays[0];
    return play?.(request) ?? cut();
  };
}

const raw = { isRaw: true };

describe('a recording at one origin', () => {
  it('is a job, waited for, and forgotten there when the answer is here', async () => {
    const { app, seen } = playEdge({ gpu: inTurn(() => accepted(), text) }, raw);
    const response = await app.request('/transcribe', form());
    expect(await response.json()).toEqual({ text: 'hi' });
    expect(response.headers.get('x-mana-backend')).toBe('whisperx');
    expect(response.headers.get('x-mana-route')).toBe('whisperx.gpu=ok');
    await vi.waitFor(() =>
      expect(seen.map(line)).toEqual(['POST /jobs', 'GET /jobs/j1/result', 'DELETE /jobs/j1']),
    );
    expect(seen[1]?.url).toMatch(/\?wait=25$/);
    expect(seen[0]?.headers.get('Prefer')).toBe('wait');
  });

  it('is asked for again as long as the work goes on, but not without a pause', async () => {
    const unfinished = () => fault(409, 'job_unfinished');
    const play = inTurn(() => accepted(), unfinished, unfinished, unfinished, text);
    const { app, clock } = playEdge({ gpu: play }, raw);
    const startedMs = clock.nowMs;
    expect((await app.request('/transcribe', form())).status).toBe(200);
    expect(clock.nowMs - startedMs).toBeGreaterThanOrEqual(1500);
  });

  it('is asked for again over a cut, a page of the tunnel and a body that breaks off', async () => {
    const page = () => new Response('<html>1033</html>', { status: 530 });
    const broken = () => new Response(breaking(), { headers: { 'Content-Type': 'text/plain' } });
    const { app, seen } = playEdge({ gpu: inTurn(() => accepted(), cut, page, broken, text) }, raw);
    expect((await app.request('/transcribe', form())).status).toBe(200);
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is sent again under the same key when nobody knows whether it arrived', async () => {
    const { app, seen } = playEdge({ gpu: inTurn(cut, () => accepted(), text) }, raw);
    expect((await app.request('/transcribe', form())).status).toBe(200);
    const [first, second] = seen;
    expect(second?.headers.get('Idempotency-Key')).toMatch(/^edge-[\da-f-]{36}$/);
    expect(second?.headers.get('Idempotency-Key')).toBe(first?.headers.get('Idempotency-Key'));
    expect(second?.body.length).toBeGreaterThan(1000);
    expect(second?.body).toEqual(first?.body);
  });

  it('is sent again when the origin has forgotten it', async () => {
    const play = inTurn(
      () => accepted('a'),
      () => fault(404, 'unknown_job'),
      () => accepted('b'),
      text,
    );
    const { app, seen } = playEdge({ gpu: play }, raw);
    expect((await app.request('/transcribe', form())).status).toBe(200);
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it.each([
    [400, 'undecodable_audio'],
    [413, 'audio_too_long'],
    [422, 'invalid_fields'],
    [500, 'job_given_up'],
  ])('that fails with %i %s is answered so, once', async (status, code) => {
    const { app, seen } = playEdge(
      {
        gpu: inTurn(
          () => accepted(),
          () => fault(status, code),
        ),
      },
      raw,
    );
    const response = await app.request('/transcribe', form());
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
    expect(response.headers.get('x-mana-route')).toBe(`whisperx.gpu=${code}`);
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is given up when the origin that has it is silent for ten minutes', async () => {
    const { app, clock } = playEdge({ gpu: inTurn(() => accepted(), cut) }, raw);
    const startedMs = clock.nowMs;
    expect((await app.request('/transcribe', form())).status).toBe(502);
    expect(clock.nowMs - startedMs).toBeGreaterThanOrEqual(600_000);
  });

  it('is given up after a minute of silence where another backend would do the work', async () => {
    const { app, clock } = playEdge(
      { gpu: inTurn(() => accepted(), cut) },
      { ...raw, originPatienceMs: 0 },
    );
    const startedMs = clock.nowMs;
    expect((await app.request('/transcribe', form())).status).toBe(502);
    expect(clock.nowMs - startedMs).toBeGreaterThanOrEqual(60_000);
    expect(clock.nowMs - startedMs).toBeLessThan(120_000);
  });

  it('is offered for 45 s while nobody is there, then not so long any more', async () => {
    const { app, seen, clock } = playEdge({ gpu: cut }, raw);
    expect((await app.request('/transcribe', form())).status).toBe(502);
    expect(clock.nowMs - 1_000_000).toBeLessThanOrEqual(45_000);
    const tries = seen.length;
    expect(tries).toBeGreaterThan(5);
    clock.nowMs += 10_000;
    await app.request('/transcribe', form());
    expect(seen).toHaveLength(tries + 1);
  });

  it('is not offered for long to an origin that does not know the edge', async () => {
    const { app, seen } = playEdge({ gpu: () => fault(401, 'unauthenticated') }, raw);
    const response = await app.request('/transcribe', form());
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { detail: 'The machine "gpu" cannot be used at this moment. Try again later.' },
    ]);
    expect(seen).toHaveLength(3);
  });

  it('keeps the key of a caller who may come back, and its answer', async () => {
    const { app, seen } = playEdge({ gpu: inTurn(() => accepted(), text) }, raw);
    const headers = { 'Idempotency-Key': 'mine' };
    await app.request('/transcribe', { ...form(), headers });
    expect(seen[0]?.headers.get('Idempotency-Key')).toBe('mine');
    expect(seen.map(({ method }) => method)).not.toContain('DELETE');
  });

  it('is taken back when its client leaves', async () => {
    const leaving = new AbortController();
    const play = inTurn(
      () => accepted(),
      () => {
        leaving.abort();
        return cut();
      },
      () => new Response(null, { status: 204 }),
    );
    const { app, seen } = playEdge({ gpu: play }, raw);
    const { signal } = leaving;
    const response = await app.request('/transcribe', { ...form(), signal });
    expect(response.status).toBe(499);
    await vi.waitFor(() => expect(seen.map(line)).toContain('DELETE /jobs/j1'));
  });
});

describe('a recording and several origins', () => {
  it('goes to the next one when the first has no room', async () => {
    const busy: Play = () => fault(503, 'jobs_full');
    const one = playEdge({ a: busy, b: inTurn(() => accepted(), text) }, raw);
    const other = playEdge({ b: busy, a: inTurn(() => accepted(), text) }, raw);
    for (const { app } of [one, other]) {
      const response = await app.request('/transcribe', form());
      expect(response.status).toBe(200);
      expect(response.headers.get('x-mana-route')).toMatch(/whisperx\.[ab]=ok$/);
    }
  });

  it("passes on the busy origin's own answer when none has room", async () => {
    const busy: Play = () =>
      Response.json({ code: 'jobs_full' }, { status: 503, headers: { 'Retry-After': '10' } });
    const { app } = playEdge({ a: busy, b: busy }, raw);
    const response = await app.request('/transcribe', form());
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('10');
    expect(response.headers.get('x-mana-route')).toMatch(/jobs_full, whisperx\.[ab]=jobs_full$/);
  });

  it('is done by another one when the one that has it is silent for a minute', async () => {
    const { app, clock } = playEdge(
      { a: inTurn(() => accepted(), cut), b: inTurn(() => accepted(), text) },
      { ...raw, draining: [] },
    );
    const startedMs = clock.nowMs;
    const responses = [];
    for (let turn = 0; turn < 6; turn += 1)
      responses.push(await app.request('/transcribe', form()));
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
    expect(clock.nowMs - startedMs).toBeLessThan(6 * 120_000);
  });

  it('never goes to one that is emptied', async () => {
    const { app, seen } = playEdge(
      { a: inTurn(() => accepted(), text), b: text },
      { ...raw, draining: ['b'] },
    );
    await app.request('/transcribe', form());
    const hosts = new Set(
      seen.filter(({ method }) => method === 'POST').map(({ url }) => new URL(url).host),
    );
    expect([...hosts]).toEqual(['a.origin.test']);
  });

  it('goes where there is room, by what the answers tell', async () => {
    const withLoad = (load: string, response: Response) => {
      response.headers.set('X-Mana-Load', load);
      return response;
    };
    const jobs =
      (load: string): Play =>
      ({ method, url }) => {
        if (url.endsWith('/health')) return withLoad(load, Response.json(HEALTH));
        if (method === 'POST') return withLoad(load, accepted());
        return withLoad(load, method === 'GET' ? text() : new Response(null, { status: 204 }));
      };
    const { app, seen } = playEdge(
      { full: jobs('free=0;waiting=9'), free: jobs('free=3;waiting=0') },
      raw,
    );
    for (let turn = 0; turn < 12; turn += 1) await app.request('/transcribe', form());
    const asked = seen
      .filter(({ method }) => method === 'POST')
      .map(({ url }) => new URL(url).host);
    // Both are unknown at first; from the first answer of each on only the free one is asked.
    expect(asked.filter((host) => host.startsWith('full')).length).toBeLessThanOrEqual(1);
  });
});

describe('the body of a recording', () => {
  const TYPE = { 'Content-Type': 'multipart/form-data; boundary=x' };
  const pieces = (count: number) => {
    let left = count;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(left % 256));
        else controller.close();
      },
    });
  };

  it('of unknown length and beyond memory is sent again from R2, and removed from there', async () => {
    const plays = [cut, () => accepted(), text];
    const inAnyOrder: Play = ({ url }) => {
      if (url.endsWith('/health')) return Response.json(HEALTH);
      return plays.shift()?.() ?? cut();
    };
    const { app, seen } = playEdge({ a: inAnyOrder, b: inAnyOrder }, raw);
    const init = { method: 'POST', body: pieces(200), headers: TYPE };
    expect((await app.request('/transcribe', init)).status).toBe(200);
    const [first, second] = seen.filter(({ method }) => method === 'POST');
    expect(second?.body.length).toBe(200 * 64 * 1024);
    expect(second?.headers.get('Content-Length')).toBe(String(200 * 64 * 1024));
    expect(first?.body.every((byte, index) => byte === second?.body[index])).toBe(true);
    await vi.waitFor(async () => expect((await env.UPLOADS.list()).objects).toEqual([]));
  });

  it('beyond memory goes to the only origin once, and rests nowhere', async () => {
    const { app, seen } = playEdge({ gpu: inTurn(cut, () => accepted(), text) }, raw);
    const init = { method: 'POST', body: pieces(100), headers: TYPE };
    expect((await app.request('/transcribe', init)).status).toBe(502);
    expect(seen).toHaveLength(1);
    expect((await env.UPLOADS.list()).objects).toEqual([]);
  });

  it('goes on once even when there is no memory to keep it', async () => {
    const limits = { maxFileBytes: 100 * 1024 * 1024, idleTimeoutSeconds: 30 };
    const uploads = { bucket: env.UPLOADS, limits, budget: new ByteBudget(1000) };
    const { app } = playEdge({ gpu: inTurn(() => accepted(), text) }, { ...raw, uploads });
    expect((await app.request('/transcribe', form())).status).toBe(200);
    const lost = playEdge({ gpu: inTurn(cut, () => accepted(), text) }, { ...raw, uploads });
    expect((await lost.app.request('/transcribe', form())).status).toBe(502);
    expect(uploads.budget.usedBytes).toBe(0);
  });

  it('that stops coming is 408, and the origin is not asked again', async () => {
    vi.useFakeTimers();
    try {
      const limits = { maxFileBytes: 1_000_000, idleTimeoutSeconds: 30 };
      const uploads = { bucket: env.UPLOADS, limits };
      const { app, seen } = playEdge({ gpu: inTurn(() => accepted(), text) }, { ...raw, uploads });
      const stalled = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
      const asked = app.request('/transcribe', { method: 'POST', body: stalled, headers: TYPE });
      await vi.advanceTimersByTimeAsync(31_000);
      const response = await asked;
      expect([response.status, await response.json()]).toMatchObject([
        408,
        { code: 'upload_stalled' },
      ]);
      expect(seen.length).toBeLessThanOrEqual(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('without a form is 415 before anything is read', async () => {
    const { app, seen } = playEdge({ gpu: text }, raw);
    const response = await app.request('/transcribe', { method: 'POST', body: '{}' });
    expect(response.status).toBe(415);
    expect(seen).toEqual([]);
  });
});

/** A body that fails after its first bytes. */
function breaking(): ReadableStream<Uint8Array> {
  let isFirst = true;
  return new ReadableStream({
    pull: (controller) => {
      if (isFirst) controller.enqueue(new Uint8Array(10));
      else controller.error(new TypeError('the line was cut'));
      isFirst = false;
    },
  });
}
