import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOriginApp } from '#origin/app.ts';
import { JobResponse } from '#shared/contracts/jobs.ts';
import { SttException } from '#shared/errors.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import {
  startTestOrigin,
  type TestOrigin,
  type TestOriginOptions,
  TRANSCRIPT,
} from '#test/support/origin-server.ts';

let origin: TestOrigin;
let clock: ManualClock;

async function start(environment: Record<string, string> = {}, options: TestOriginOptions = {}) {
  clock = new ManualClock();
  const principalId: TestOriginOptions['principalId'] = (c) => c.req.header('x-caller') ?? 'a';
  return startTestOrigin(environment, { jobClock: clock, principalId, ...options });
}

beforeEach(async () => {
  origin = await start();
  origin.transcriber.holds = true;
});

afterEach(async () => {
  await origin.stop();
});

function submit(fields: [string, string | Blob][] = [], headers: Record<string, string> = {}) {
  const body = form(['file', RECORDING], ...fields);
  return fetch(`${origin.url}/jobs`, { method: 'POST', body, headers });
}

async function submitted(...given: Parameters<typeof submit>): Promise<JobResponse> {
  const response = await submit(...given);
  expect(response.status).toBe(202);
  return JobResponse.strict().parse(await response.json());
}

async function look(id: string, query = '', target = origin): Promise<JobResponse> {
  const response = await fetch(`${target.url}/jobs/${id}${query}`);
  expect(response.status).toBe(200);
  return JobResponse.strict().parse(await response.json());
}

/** Long polls, which the end of the job ends: with a clock that stands still nothing else does. */
const ended = (id: string) => look(id, '?wait=30');

const remove = (id: string) => fetch(`${origin.url}/jobs/${id}`, { method: 'DELETE' });
const jobFiles = () => readdirSync(join(origin.dataDir, 'jobs/files'));

async function resultOf(id: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${origin.url}/jobs/${id}/result`, init);
}

describe('POST /jobs', () => {
  it('answers 202 with the job and its Location before the work is done', async () => {
    const response = await submit([['language', 'fr']], { 'x-request-id': 'mine' });
    const job = JobResponse.parse(await response.json());
    expect(response.headers.get('location')).toBe(`/jobs/${job.id}`);
    expect(job).toMatchObject({ request_id: 'mine', finished_at: null, error: null });
    const { request } = await origin.transcriber.job(1);
    expect(request).toMatchObject({ requestId: 'mine', fileName: 'hello.wav' });
    expect(request.options.language).toBe('fr');
    expect(origin.transcriber.seenBytes).toEqual([1000]);
  });

  it('keeps samples of speakers with the recording', async () => {
    await submitted([
      ['known_speaker_names', 'Ada'],
      ['known_speaker_references', RECORDING],
    ]);
    const { request } = await origin.transcriber.job(1);
    const [ada] = request.options.knownSpeakers ?? [];
    expect(ada?.name).toBe('Ada');
    expect(existsSync(ada?.samplePath ?? '')).toBe(true);
  });

  it.each([
    ['a field that cannot be read', [['beam_size', 'x']], 422],
    ['a model that is not here', [['model', 'huge']], 404],
    ['a second file', [['file', RECORDING]], 400],
  ] as const)('refuses %s at once and keeps nothing', async (_what, fields, status) => {
    expect((await submit(fields.map(([name, value]) => [name, value]))).status).toBe(status);
    expect(jobFiles()).toEqual([]);
    expect(readdirSync(origin.jobs.incomingDir)).toEqual([]);
  });

  it('answers 503 without reading the form when MAX_JOBS wait or run', async () => {
    await origin.stop();
    origin = await start({ MAX_JOBS: '1' });
    origin.transcriber.holds = true;
    const { id } = await submitted();
    const refused = await submit();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'jobs_full' });
    (await origin.transcriber.job(1)).finish();
    await ended(id);
    expect((await submit()).status).toBe(202);
  });

  it('answers 503 when the form has no room in MAX_JOBS_MB', async () => {
    await origin.stop();
    origin = await start({ MAX_JOBS_MB: '1' });
    const large = new File([new Uint8Array(1024 * 1024)], 'large.wav');
    const body = form(['file', large]);
    const refused = await fetch(`${origin.url}/jobs`, { method: 'POST', body });
    expect(await refused.json()).toMatchObject({ status: 503, code: 'storage_full' });
    expect((await submit()).status).toBe(202);
  });

  it('answers 503 after the form when nothing told that it has no room', async () => {
    await origin.stop();
    origin = await start({ MAX_JOBS_MB: '5' });
    const parts = form(['file', new File([new Uint8Array(5 * 1024 * 1024 + 1)], 'large.wav')]);
    const { body, headers } = new Request('http://x', { method: 'POST', body: parts });
    const init = { method: 'POST', body, headers, duplex: 'half' } as const;
    const refused = await fetch(`${origin.url}/jobs`, init);
    expect(await refused.json()).toMatchObject({ status: 503, code: 'storage_full' });
    expect([...jobFiles(), ...readdirSync(origin.jobs.incomingDir)]).toEqual([]);
  });

  it('gives every slot to jobs whose callers wait, and says so', async () => {
    await origin.stop();
    origin = await start({ MAX_CONCURRENT_REQUESTS: '3' });
    origin.transcriber.holds = true;
    const answers = await Promise.all([1, 2, 3].map(() => submit([], { prefer: 'wait' })));
    expect(answers.map(({ headers }) => headers.get('preference-applied'))).toEqual(
      Array(3).fill('wait'),
    );
    await origin.transcriber.job(3);
    expect(answers.at(-1)?.headers.get('x-mana-load')).toMatch(/^free=\d;waiting=0$/);
    expect(origin.admission.freeSlots()).toBe(0);
  });

  it('keeps a slot free of jobs for which nobody waits', async () => {
    await origin.stop();
    origin = await start({ MAX_CONCURRENT_REQUESTS: '3' });
    origin.transcriber.holds = true;
    for (let job = 0; job < 3; job++) await submitted();
    await origin.transcriber.job(2);
    expect(origin.admission.freeSlots()).toBe(1);
  });

  it('is not there without jobs in the dependencies', async () => {
    const { jobs: _jobs, ...deps } = origin.dependencies;
    const response = await createOriginApp(deps).request('/jobs', { method: 'POST' });
    expect(response.status).toBe(404);
  });
});

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' };

  it('gives the same job for the same form, and works on it once', async () => {
    const first = await submitted([['language', 'de']], headers);
    const again = await submit([['language', 'de']], headers);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ id: first.id });
    (await origin.transcriber.job(1)).finish();
    await ended(first.id);
    expect(await submitted([['language', 'de']], headers)).toMatchObject({
      id: first.id,
      status: 'done',
    });
    expect(origin.transcriber.jobs).toHaveLength(1);
  });

  it('gives the job that is there even when MAX_JOBS lets in no other', async () => {
    await origin.stop();
    origin = await start({ MAX_JOBS: '1' });
    origin.transcriber.holds = true;
    const first = await submitted([], headers);
    expect((await submit()).status).toBe(503);
    expect((await submitted([], headers)).id).toBe(first.id);
  });

  it('makes one job of forms that come at the same time', async () => {
    const jobs = await Promise.all([1, 2, 3, 4].map(() => submitted([], headers)));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    expect(jobFiles()).toHaveLength(1);
  });

  it.each([
    ['other fields', () => form(['file', RECORDING], ['language', 'fr'])],
    ['another recording', () => form(['file', new File([new Uint8Array(999)], 'hello.wav')])],
  ])('refuses %s under a used key with 422', async (_what, body) => {
    await submitted([], headers);
    const init = { method: 'POST', body: body(), headers };
    const refused = await fetch(`${origin.url}/jobs`, init);
    expect(await refused.json()).toMatchObject({ status: 422, code: 'idempotency_conflict' });
    expect(readdirSync(origin.jobs.incomingDir)).toEqual([]);
  });

  it('belongs to its caller: another one may use the same', async () => {
    const first = await submitted([], headers);
    const other = await submitted([], { ...headers, 'x-caller': 'b' });
    expect(other.id).not.toBe(first.id);
  });

  it('is free again when its job was cancelled', async () => {
    const first = await submitted([], headers);
    await remove(first.id);
    expect((await submitted([], headers)).id).not.toBe(first.id);
  });

  it.each([[''], ['a b'], ['x'.repeat(201)]])('refuses "%s" with 400', async (key) => {
    const refused = await submit([], { 'idempotency-key': key });
    expect(await refused.json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
  });
});

describe('GET /jobs/:id', () => {
  it('tells place and progress while the job goes on', async () => {
    const [first, , third] = [await submitted(), await submitted(), await submitted()];
    const { request } = await origin.transcriber.job(2);
    expect(request.requestId).not.toBe(first.request_id);
    origin.transcriber.jobs[0]?.request.onProgress?.({ doneSeconds: 30, totalSeconds: 90 });
    expect(await look(first.id)).toMatchObject({
      status: 'running',
      progress: { stage: 'transcribing', percent: 33 },
      queue_position: null,
    });
    expect(await look(third.id)).toMatchObject({
      status: 'queued',
      progress: { stage: 'waiting', percent: 0 },
      queue_position: 1,
    });
  });

  it('answers a long poll at once when the job ends', async () => {
    const { id } = await submitted();
    const polls = [ended(id), ended(id)];
    (await origin.transcriber.job(1)).finish();
    for (const job of await Promise.all(polls)) expect(job.status).toBe('done');
  });

  it('answers a long poll after its time with the job as it stands', async () => {
    const { id } = await submitted();
    await origin.transcriber.job(1);
    const poll = look(id, '?wait=25');
    await clock.until(25_000);
    clock.advance(25_000);
    expect((await poll).status).toBe('running');
  });

  it('carries a client through five minutes of work, poll by poll', async () => {
    const { id } = await submitted();
    const work = await origin.transcriber.job(1);
    // 29 s, since the sweep's timer never has as long to go then as a poll.
    for (let poll = 0; poll < 11; poll++) {
      const waiting = look(id, '?wait=29');
      await clock.until(29_000);
      clock.advance(29_000);
      expect((await waiting).status).toBe('running');
    }
    work.finish();
    expect((await ended(id)).status).toBe('done');
    expect(await (await resultOf(id)).json()).toMatchObject({ latency_ms: 319_000 });
  });

  it('forgets a poller who leaves, and goes on with the job', async () => {
    const { id } = await submitted();
    const client = new AbortController();
    const poll = fetch(`${origin.url}/jobs/${id}?wait=30`, { signal: client.signal });
    await clock.until(30_000);
    client.abort();
    await expect(poll).rejects.toThrow();
    // The timer of the poll is gone; that of the sweep stays.
    await expect.poll(() => clock.pending()).toEqual([60_000]);
    expect((await look(id)).status).toBe('running');
  });

  it.each([['31'], ['-1'], ['x'], ['1e1'], ['NaN']])('refuses wait=%s with 400', async (wait) => {
    const { id } = await submitted();
    const response = await fetch(`${origin.url}/jobs/${id}?wait=${wait}`);
    expect(response.status).toBe(400);
  });

  it.each([
    ['GET', ''],
    ['GET', '/result'],
    ['DELETE', ''],
  ])("%s hides another caller's job%s as if it never was", async (method, path) => {
    const { id } = await submitted();
    const headers = { 'x-caller': 'b' };
    for (const jobId of [id, 'AAAAAAAAAAAAAAAAAAAAAA', '..%2f..', '%00']) {
      const response = await fetch(`${origin.url}/jobs/${jobId}${path}`, { method, headers });
      expect(response.status).toBe(404);
      if (!jobId.includes('%2f')) {
        expect(await response.json()).toMatchObject({ code: 'unknown_job' });
      }
    }
    expect((await look(id)).status).not.toBe('cancelled');
  });

  it('has ids of 128 random bits', async () => {
    expect((await submitted()).id).toMatch(/^[\w-]{22}$/);
  });
});

describe('GET /jobs/:id/result', () => {
  it('is what POST /transcribe answers, in the format of the form', async () => {
    origin.transcriber.holds = false;
    const { id } = await submitted([['response_format', 'srt']]);
    await ended(id);
    const fields = form(['file', RECORDING], ['response_format', 'srt']);
    const direct = await fetch(`${origin.url}/transcribe`, { method: 'POST', body: fields });
    const result = await resultOf(id);
    expect(result.status).toBe(200);
    expect(result.headers.get('content-type')).toBe(direct.headers.get('content-type'));
    expect(await result.text()).toBe(await direct.text());
  });

  it('tells the request that brought the job, not the one that fetches', async () => {
    origin.transcriber.holds = false;
    const { id, request_id } = await submitted();
    await ended(id);
    expect(await (await resultOf(id)).json()).toMatchObject({ text: TRANSCRIPT.text, request_id });
  });

  it('is the error of POST /transcribe, with its status, when the job failed', async () => {
    const { id, request_id } = await submitted();
    const error = { kind: 'audio_too_long', limitSeconds: 60 } as const;
    (await origin.transcriber.job(1)).fail(new SttException(error));
    const job = await ended(id);
    expect(job).toMatchObject({
      status: 'failed',
      error: { status: 413, code: 'audio_too_long', request_id },
    });
    const result = await resultOf(id);
    expect(result.status).toBe(413);
    expect(await result.json()).toMatchObject({ code: 'audio_too_long' });
    await expect.poll(jobFiles).toEqual([]);
  });

  it('says nothing of what went wrong inside', async () => {
    const { id } = await submitted();
    (await origin.transcriber.job(1)).fail(new Error('/secret/path'));
    expect((await ended(id)).error).toMatchObject({ status: 500, code: 'internal' });
    expect(await (await resultOf(id)).text()).not.toContain('secret');
  });

  it('is 409 as long as the job goes on, and waits when asked to', async () => {
    const { id } = await submitted();
    const work = await origin.transcriber.job(1);
    expect((await resultOf(id)).status).toBe(409);
    const waiting = fetch(`${origin.url}/jobs/${id}/result?wait=30`);
    work.finish();
    expect((await waiting).status).toBe(200);
  });
});

describe('DELETE /jobs/:id', () => {
  it('interrupts a running job and removes its files', async () => {
    const { id } = await submitted();
    const { request } = await origin.transcriber.job(1);
    const poll = ended(id);
    const response = await remove(id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'cancelled' });
    expect((await poll).status).toBe('cancelled');
    expect(request.signal.aborted).toBe(true);
    expect((await resultOf(id)).status).toBe(410);
    await expect.poll(jobFiles).toEqual([]);
    expect(origin.admission.counts().running).toBe(0);
  });

  it('takes a waiting job out of the line', async () => {
    const jobs = [await submitted(), await submitted(), await submitted()];
    const last = jobs[2]?.id ?? '';
    await origin.transcriber.job(2);
    expect((await remove(last)).status).toBe(200);
    expect(jobFiles()).not.toContain(last);
    for (const job of origin.transcriber.jobs) job.finish();
    for (const { id } of jobs) await ended(id);
    expect(origin.transcriber.jobs).toHaveLength(2);
  });

  it('forgets a job that has ended', async () => {
    origin.transcriber.holds = false;
    const { id } = await submitted();
    await ended(id);
    expect((await remove(id)).status).toBe(204);
    expect((await resultOf(id)).status).toBe(404);
    expect(origin.jobs.counts().done).toBe(0);
  });
});

describe('a client that never comes back', () => {
  it('has its job done, and forgotten JOB_RETENTION seconds after its end', async () => {
    origin.transcriber.holds = false;
    const { id } = await submitted([], { 'idempotency-key': 'k' });
    const { expires_at } = await ended(id);
    expect(expires_at).toBe(new Date(86_400_000).toISOString());
    clock.advance(86_399_999);
    expect((await look(id)).status).toBe('done');
    clock.advance(1);
    expect((await resultOf(id)).status).toBe(404);
    expect(origin.jobs.counts().done).toBe(0);
    expect((await submitted([], { 'idempotency-key': 'k' })).id).not.toBe(id);
  });
});

describe('a service that goes down in good order', () => {
  it('answers who waits for a queued job, keeps it, and finishes it after the next start', async () => {
    await origin.stop();
    origin = await start({ MAX_CONCURRENT_REQUESTS: '1' });
    origin.transcriber.holds = true;
    const { dataDir } = origin;
    const first = await submitted();
    const second = await submitted([['response_format', 'text']]);
    const work = await origin.transcriber.job(1);
    const polls = [ended(first.id), ended(second.id)];
    // One timer is the sweep's, the others are those of the polls.
    await expect.poll(() => clock.pending().length).toBe(3);
    const drained = origin.server.drain();
    expect((await polls[1])?.status).toBe('queued');
    work.finish();
    expect((await polls[0])?.status).toBe('done');
    expect(await drained).toBe(true);
    origin = await start({}, { dataDir });
    expect((await look(second.id, '?wait=30')).status).toBe('done');
    expect(await (await resultOf(second.id)).text()).toBe('Hello there.\n');
    expect(await (await resultOf(first.id)).json()).toMatchObject({ text: 'Hello there.' });
  });

  it('hands back what runs when its time is over, and counts it as in time', async () => {
    await origin.stop();
    origin = await start({ DRAIN_TIMEOUT: '0' });
    origin.transcriber.holds = true;
    const { dataDir } = origin;
    const { id } = await submitted();
    await origin.transcriber.job(1);
    expect(await origin.server.drain()).toBe(true);
    origin = await start({}, { dataDir });
    expect(await ended(id)).toMatchObject({ status: 'done', attempts: 1 });
  });
});

describe('/metrics', () => {
  it('tells jobs by status and attempts by outcome', async () => {
    origin.transcriber.holds = false;
    const { id } = await submitted();
    await ended(id);
    const page = await (await fetch(`${origin.url}/metrics`)).text();
    expect(page).toContain('mana_stt_jobs{status="done"} 1');
    expect(page).toContain('mana_stt_job_attempts_total{outcome="done"} 1');
  });
});
