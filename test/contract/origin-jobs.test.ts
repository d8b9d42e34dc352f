import { describe, expect, it } from 'vitest';
import { SttException } from '#shared/errors.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { JobClient } from '#test/support/job-client.ts';
import { TRANSCRIPT } from '#test/support/origin-server.ts';

const client = new JobClient();

describe('GET /jobs/:id', () => {
  it('tells place and progress while the job goes on', async () => {
    const [first, , third] = [
      await client.submitted(),
      await client.submitted(),
      await client.submitted(),
    ];
    const { request } = await client.transcriber.job(2);
    expect(request.requestId).not.toBe(first.request_id);
    client.transcriber.jobs[0]?.request.onProgress?.({ doneSeconds: 30, totalSeconds: 90 });
    expect(await client.look(first.id)).toMatchObject({
      status: 'running',
      progress: { stage: 'transcribing', percent: 33 },
      queue_position: null,
    });
    expect(await client.look(third.id)).toMatchObject({
      status: 'queued',
      progress: { stage: 'waiting', percent: 0 },
      queue_position: 1,
    });
  });

  it('answers a long poll at once when the job ends', async () => {
    const { id } = await client.submitted();
    const polls = [client.ended(id), client.ended(id)];
    (await client.transcriber.job(1)).finish();
    for (const job of await Promise.all(polls)) expect(job.status).toBe('done');
  });

  it('answers a long poll after its time with the job as it stands', async () => {
    const { id } = await client.submitted();
    await client.transcriber.job(1);
    const poll = client.look(id, '?wait=25');
    await client.clock.until(25_000);
    client.clock.advance(25_000);
    expect((await poll).status).toBe('running');
  });

  it('carries a client through five minutes of work, poll by poll', async () => {
    const { id } = await client.submitted();
    const work = await client.transcriber.job(1);
    // 29 s, since the sweep's timer never has as long to go then as a poll.
    for (let poll = 0; poll < 11; poll++) {
      const waiting = client.look(id, '?wait=29');
      await client.clock.until(29_000);
      client.clock.advance(29_000);
      expect((await waiting).status).toBe('running');
    }
    work.finish();
    expect((await client.ended(id)).status).toBe('done');
    expect(await (await client.resultOf(id)).json()).toMatchObject({ latency_ms: 319_000 });
  });

  it('forgets a poller who leaves, and goes on with the job', async () => {
    const { id } = await client.submitted();
    const leaver = new AbortController();
    const poll = client.get(`/jobs/${id}?wait=30`, { signal: leaver.signal });
    await client.clock.until(30_000);
    leaver.abort();
    await expect(poll).rejects.toThrow();
    // The timer of the poll is gone; that of the sweep stays.
    await expect.poll(() => client.clock.pending()).toEqual([60_000]);
    expect((await client.look(id)).status).toBe('running');
  });

  it.each([['31'], ['-1'], ['x'], ['1e1'], ['NaN']])('refuses wait=%s with 400', async (wait) => {
    const { id } = await client.submitted();
    const response = await client.get(`/jobs/${id}?wait=${wait}`);
    expect(response.status).toBe(400);
  });

  it.each([
    ['GET', ''],
    ['GET', '/result'],
    ['DELETE', ''],
  ])("%s hides another caller's job%s as if it never was", async (method, path) => {
    const { id } = await client.submitted();
    const headers = { 'x-caller': 'b' };
    for (const jobId of [id, 'AAAAAAAAAAAAAAAAAAAAAA', '..%2f..', '%00']) {
      const response = await client.get(`/jobs/${jobId}${path}`, { method, headers });
      expect(response.status).toBe(404);
      if (!jobId.includes('%2f')) {
        expect(await response.json()).toMatchObject({ code: 'unknown_job' });
      }
    }
    expect((await client.look(id)).status).not.toBe('cancelled');
  });

  it('has ids of 128 random bits', async () => {
    expect((await client.submitted()).id).toMatch(/^[\w-]{22}$/);
  });
});

describe('GET /jobs/:id/result', () => {
  it('is what POST /transcribe answers, in the format of the form', async () => {
    client.transcriber.holds = false;
    const { id } = await client.submitted([['response_format', 'srt']]);
    await client.ended(id);
    const fields = form(['file', RECORDING], ['response_format', 'srt']);
    const direct = await client.get(`/transcribe`, { method: 'POST', body: fields });
    const result = await client.resultOf(id);
    expect(result.status).toBe(200);
    expect(result.headers.get('content-type')).toBe(direct.headers.get('content-type'));
    expect(await result.text()).toBe(await direct.text());
  });

  it('tells the request that brought the job, not the one that fetches', async () => {
    client.transcriber.holds = false;
    const { id, request_id } = await client.submitted();
    await client.ended(id);
    expect(await (await client.resultOf(id)).json()).toMatchObject({
      text: TRANSCRIPT.text,
      request_id,
    });
  });

  it('is the error of POST /transcribe, with its status, when the job failed', async () => {
    const { id, request_id } = await client.submitted();
    const error = { kind: 'audio_too_long', limitSeconds: 60 } as const;
    (await client.transcriber.job(1)).fail(new SttException(error));
    const job = await client.ended(id);
    expect(job).toMatchObject({
      status: 'failed',
      error: { status: 413, code: 'audio_too_long', request_id },
    });
    const result = await client.resultOf(id);
    expect(result.status).toBe(413);
    expect(await result.json()).toMatchObject({ code: 'audio_too_long' });
    await expect.poll(() => client.jobFiles()).toEqual([]);
  });

  it('says nothing of what went wrong inside', async () => {
    const { id } = await client.submitted();
    (await client.transcriber.job(1)).fail(new Error('/secret/path'));
    expect((await client.ended(id)).error).toMatchObject({ status: 500, code: 'internal' });
    expect(await (await client.resultOf(id)).text()).not.toContain('secret');
  });

  it('is 409 as long as the job goes on, and waits when asked to', async () => {
    const { id } = await client.submitted();
    const work = await client.transcriber.job(1);
    expect((await client.resultOf(id)).status).toBe(409);
    const waiting = client.get(`/jobs/${id}/result?wait=30`);
    work.finish();
    expect((await waiting).status).toBe(200);
  });
});

describe('DELETE /jobs/:id', () => {
  it('interrupts a running job and removes its files', async () => {
    const { id } = await client.submitted();
    const { request } = await client.transcriber.job(1);
    const poll = client.ended(id);
    const response = await client.remove(id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'cancelled' });
    expect((await poll).status).toBe('cancelled');
    expect(request.signal.aborted).toBe(true);
    expect((await client.resultOf(id)).status).toBe(410);
    await expect.poll(() => client.jobFiles()).toEqual([]);
    expect(client.origin.admission.counts().running).toBe(0);
  });

  it('takes a waiting job out of the line', async () => {
    const jobs = [await client.submitted(), await client.submitted(), await client.submitted()];
    const last = jobs[2]?.id ?? '';
    await client.transcriber.job(2);
    expect((await client.remove(last)).status).toBe(200);
    expect(client.jobFiles()).not.toContain(last);
    for (const job of client.transcriber.jobs) job.finish();
    for (const { id } of jobs) await client.ended(id);
    expect(client.transcriber.jobs).toHaveLength(2);
  });

  it('forgets a job that has ended', async () => {
    client.transcriber.holds = false;
    const { id } = await client.submitted();
    await client.ended(id);
    expect((await client.remove(id)).status).toBe(204);
    expect((await client.resultOf(id)).status).toBe(404);
    expect(client.origin.jobs.counts().done).toBe(0);
  });
});

describe('a client that never comes back', () => {
  it('has its job done, and forgotten JOB_RETENTION seconds after its end', async () => {
    client.transcriber.holds = false;
    const { id } = await client.submitted([], { 'idempotency-key': 'k' });
    const { expires_at } = await client.ended(id);
    expect(expires_at).toBe(new Date(86_400_000).toISOString());
    client.clock.advance(86_399_999);
    expect((await client.look(id)).status).toBe('done');
    client.clock.advance(1);
    expect((await client.resultOf(id)).status).toBe(404);
    expect(client.origin.jobs.counts().done).toBe(0);
    expect((await client.submitted([], { 'idempotency-key': 'k' })).id).not.toBe(id);
  });
});

describe('a service that goes down in good order', () => {
  it('answers who waits for a queued job, keeps it, and finishes it after the next start', async () => {
    await client.restart({ MAX_CONCURRENT_REQUESTS: '1' });
    const { dataDir } = client.origin;
    const first = await client.submitted();
    const second = await client.submitted([['response_format', 'text']]);
    const work = await client.transcriber.job(1);
    const polls = [client.ended(first.id), client.ended(second.id)];
    // One timer is the sweep's, the others are those of the polls.
    await expect.poll(() => client.clock.pending().length).toBe(3);
    const drained = client.origin.server.drain();
    expect((await polls[1])?.status).toBe('queued');
    work.finish();
    expect((await polls[0])?.status).toBe('done');
    expect(await drained).toBe(true);
    await client.start({}, { dataDir });
    expect((await client.look(second.id, '?wait=30')).status).toBe('done');
    expect(await (await client.resultOf(second.id)).text()).toBe('Hello there.\n');
    expect(await (await client.resultOf(first.id)).json()).toMatchObject({ text: 'Hello there.' });
  });

  it('hands back what runs when its time is over, and counts it as in time', async () => {
    await client.restart({ DRAIN_TIMEOUT: '0' });
    const { dataDir } = client.origin;
    const { id } = await client.submitted();
    await client.transcriber.job(1);
    expect(await client.origin.server.drain()).toBe(true);
    await client.start({}, { dataDir });
    expect(await client.ended(id)).toMatchObject({ status: 'done', attempts: 1 });
  });
});

describe('/metrics', () => {
  it('tells jobs by status and attempts by outcome', async () => {
    client.transcriber.holds = false;
    const { id } = await client.submitted();
    await client.ended(id);
    const page = await (await client.get('/metrics')).text();
    expect(page).toContain('mana_stt_jobs{status="done"} 1');
    expect(page).toContain('mana_stt_job_attempts_total{outcome="done"} 1');
  });
});
