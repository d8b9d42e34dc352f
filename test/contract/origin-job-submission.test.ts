import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOriginApp } from '#origin/app.ts';
import { JobResponse } from '#shared/contracts/jobs.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { JobClient } from '#test/support/job-client.ts';

const client = new JobClient();

describe('POST /jobs', () => {
  it('answers 202 with the job and its Location before the work is done', async () => {
    const response = await client.submit([['language', 'fr']], { 'x-request-id': 'mine' });
    const job = JobResponse.parse(await response.json());
    expect(response.headers.get('location')).toBe(`/jobs/${job.id}`);
    expect(job).toMatchObject({ request_id: 'mine', finished_at: null, error: null });
    const { request } = await client.transcriber.job(1);
    expect(request).toMatchObject({ requestId: 'mine', fileName: 'hello.wav' });
    expect(request.options.language).toBe('fr');
    expect(client.transcriber.seenBytes).toEqual([1000]);
  });

  it('keeps samples of speakers with the recording', async () => {
    await client.submitted([
      ['known_speaker_names', 'Ada'],
      ['known_speaker_references', RECORDING],
    ]);
    const { request } = await client.transcriber.job(1);
    const [ada] = request.options.knownSpeakers ?? [];
    expect(ada?.name).toBe('Ada');
    expect(existsSync(ada?.samplePath ?? '')).toBe(true);
  });

  it.each([
    ['a field that cannot be read', [['beam_size', 'x']], 422],
    ['a model that is not here', [['model', 'huge']], 404],
    ['a second file', [['file', RECORDING]], 400],
  ] as const)('refuses %s at once and keeps nothing', async (_what, fields, status) => {
    expect((await client.submit(fields.map(([name, value]) => [name, value]))).status).toBe(status);
    expect(client.jobFiles()).toEqual([]);
    expect(readdirSync(client.origin.jobs.incomingDir)).toEqual([]);
  });

  it('answers 503 without reading the form when MAX_JOBS wait or run', async () => {
    await client.restart({ MAX_JOBS: '1' });
    const { id } = await client.submitted();
    const refused = await client.submit();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'jobs_full' });
    (await client.transcriber.job(1)).finish();
    await client.ended(id);
    expect((await client.submit()).status).toBe(202);
  });

  it('answers 503 when the form has no room in MAX_JOBS_MB', async () => {
    await client.restart({ MAX_JOBS_MB: '1' });
    const large = new File([new Uint8Array(1024 * 1024)], 'large.wav');
    const body = form(['file', large]);
    const refused = await client.get('/jobs', { method: 'POST', body });
    expect(await refused.json()).toMatchObject({ status: 503, code: 'storage_full' });
    expect((await client.submit()).status).toBe(202);
  });

  it('answers 503 after the form when nothing told that it has no room', async () => {
    await client.restart({ MAX_JOBS_MB: '5' });
    const parts = form(['file', new File([new Uint8Array(5 * 1024 * 1024 + 1)], 'large.wav')]);
    const { body, headers } = new Request('http://x', { method: 'POST', body: parts });
    const init = { method: 'POST', body, headers, duplex: 'half' } as const;
    const refused = await client.get('/jobs', init);
    expect(await refused.json()).toMatchObject({ status: 503, code: 'storage_full' });
    expect([...client.jobFiles(), ...readdirSync(client.origin.jobs.incomingDir)]).toEqual([]);
  });

  it('gives every slot to jobs whose callers wait, and says so', async () => {
    await client.restart({ MAX_CONCURRENT_REQUESTS: '3' });
    const answers = await Promise.all([1, 2, 3].map(() => client.submit([], { prefer: 'wait' })));
    expect(answers.map(({ headers }) => headers.get('preference-applied'))).toEqual(
      Array(3).fill('wait'),
    );
    await client.transcriber.job(3);
    expect(answers.at(-1)?.headers.get('x-mana-load')).toMatch(/^free=\d;waiting=0$/);
    expect(client.origin.admission.freeSlots()).toBe(0);
  });

  it('keeps a slot free of jobs for which nobody waits', async () => {
    await client.restart({ MAX_CONCURRENT_REQUESTS: '3' });
    for (let job = 0; job < 3; job++) await client.submitted();
    await client.transcriber.job(2);
    expect(client.origin.admission.freeSlots()).toBe(1);
  });

  it('is not there without jobs in the dependencies', async () => {
    const { jobs: _jobs, ...deps } = client.origin.dependencies;
    const response = await createOriginApp(deps).request('/jobs', { method: 'POST' });
    expect(response.status).toBe(404);
  });
});

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' };

  it('gives the same job for the same form, and works on it once', async () => {
    const first = await client.submitted([['language', 'de']], headers);
    const again = await client.submit([['language', 'de']], headers);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ id: first.id });
    (await client.transcriber.job(1)).finish();
    await client.ended(first.id);
    expect(await client.submitted([['language', 'de']], headers)).toMatchObject({
      id: first.id,
      status: 'done',
    });
    expect(client.transcriber.jobs).toHaveLength(1);
  });

  it('gives the job that is there even when MAX_JOBS lets in no other', async () => {
    await client.restart({ MAX_JOBS: '1' });
    const first = await client.submitted([], headers);
    expect((await client.submit()).status).toBe(503);
    expect((await client.submitted([], headers)).id).toBe(first.id);
  });

  it('makes one job of forms that come at the same time', async () => {
    const jobs = await Promise.all([1, 2, 3, 4].map(() => client.submitted([], headers)));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    expect(client.jobFiles()).toHaveLength(1);
  });

  it.each([
    ['other fields', () => form(['file', RECORDING], ['language', 'fr'])],
    ['another recording', () => form(['file', new File([new Uint8Array(999)], 'hello.wav')])],
  ])('refuses %s under a used key with 422', async (_what, body) => {
    await client.submitted([], headers);
    const init = { method: 'POST', body: body(), headers };
    const refused = await client.get('/jobs', init);
    expect(await refused.json()).toMatchObject({ status: 422, code: 'idempotency_conflict' });
    expect(readdirSync(client.origin.jobs.incomingDir)).toEqual([]);
  });

  it('belongs to its caller: another one may use the same', async () => {
    const first = await client.submitted([], headers);
    const other = await client.submitted([], { ...headers, 'x-caller': 'b' });
    expect(other.id).not.toBe(first.id);
  });

  it('is free again when its job was cancelled', async () => {
    const first = await client.submitted([], headers);
    await client.remove(first.id);
    expect((await client.submitted([], headers)).id).not.toBe(first.id);
  });

  it.each([[''], ['a b'], ['x'.repeat(201)]])('refuses "%s" with 400', async (key) => {
    const refused = await client.submit([], { 'idempotency-key': key });
    expect(await refused.json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
  });
});
