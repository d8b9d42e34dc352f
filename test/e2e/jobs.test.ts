/** Jobs of the real service, with a real recording, through everything that ends a service. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobResponse } from '#shared/contracts/jobs.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, recording } from '#test/support/transcribe-request.ts';

let dataDir: string;
let origin: RunningOrigin;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'mana-stt-e2e-'));
});
afterEach(async () => {
  origin.process.kill('SIGKILL');
  await origin.exited;
  rmSync(dataDir, { recursive: true, force: true });
});

async function submit(
  name: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<JobResponse> {
  const body = new FormData();
  body.append('file', await recording(name));
  const response = await fetch(`${origin.url}/jobs`, { method: 'POST', body, headers });
  expect(response.status).toBe(202);
  return JobResponse.parse(await response.json());
}

/** Polls as a client does until the job has ended. */
async function ended(id: string): Promise<JobResponse> {
  for (;;) {
    const response = await fetch(`${origin.url}/jobs/${id}?wait=25`);
    const job = JobResponse.parse(await response.json());
    if (!['queued', 'running'].includes(job.status)) return job;
  }
}

async function resultOf(id: string): Promise<TranscriptionResponse> {
  const response = await fetch(`${origin.url}/jobs/${id}/result`);
  expect(response.status).toBe(200);
  return TranscriptionResponse.parse(await response.json());
}

async function endBy(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  origin.process.kill(signal);
  return (await origin.exited).code;
}

const jobFiles = () => readdirSync(join(dataDir, 'jobs/files'));

describe('a job', () => {
  it('gives the text that POST /transcribe gives, and long polls end with it', async () => {
    origin = await startOrigin({}, { dataDir });
    const { id } = await submit('en_harbor.flac');
    expect((await ended(id)).status).toBe('done');
    const answer = await resultOf(id);
    expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
    const body = new FormData();
    body.append('file', await recording('en_harbor.flac'));
    const direct = await fetch(`${origin.url}/transcribe`, { method: 'POST', body });
    const { text, words } = TranscriptionResponse.parse(await direct.json());
    expect(answer).toMatchObject({ text, words });
    await expect.poll(jobFiles).toEqual([]);
  });

  it('fails with the error that POST /transcribe gives', async () => {
    origin = await startOrigin({}, { dataDir });
    const body = new FormData();
    body.append('file', new File(['%PDF-1.7 no sound at all'], 'talk.mp3'));
    const response = await fetch(`${origin.url}/jobs`, { method: 'POST', body });
    const { id } = JobResponse.parse(await response.json());
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { status: 400, code: 'undecodable_audio' },
    });
    const result = await fetch(`${origin.url}/jobs/${id}/result`);
    expect(result.status).toBe(400);
  });

  it('can be cancelled under way, and the next one is done', async () => {
    origin = await startOrigin({}, { dataDir });
    const { id } = await submit('en_long.flac');
    await origin.workedOn();
    await fetch(`${origin.url}/jobs/${id}`, { method: 'DELETE' });
    expect((await ended(id)).status).toBe('cancelled');
    await expect.poll(() => [...jobFiles(), ...origin.listSpool()]).toEqual([]);
    const next = await submit('en_harbor.flac');
    expect((await ended(next.id)).status).toBe('done');
  });
});

describe('a job under way when the service ends', () => {
  it('is finished after SIGKILL and a new start: the same job, the right text, once', async () => {
    origin = await startOrigin({}, { dataDir });
    const key = { 'idempotency-key': 'one' };
    const { id } = await submit('en_long.flac', key);
    const waiting = await submit('en_harbor.flac');
    await origin.workedOn();
    await endBy('SIGKILL');
    origin = await startOrigin({}, { dataDir });
    expect((await submit('en_long.flac', key)).id).toBe(id);
    expect(await ended(id)).toMatchObject({ status: 'done', attempts: 2 });
    expect(errorRateOf('en_long.flac', await resultOf(id))).toBeLessThanOrEqual(0.08);
    expect((await ended(waiting.id)).status).toBe('done');
    expect(errorRateOf('en_harbor.flac', await resultOf(waiting.id))).toBeLessThanOrEqual(0.1);
    const outcome = (name: string) => `mana_stt_job_attempts_total{outcome="${name}"}`;
    expect(await origin.metric(outcome('done'))).toBe(2);
    expect(await origin.metric(outcome('crashed'))).toBeGreaterThanOrEqual(1);
    await expect.poll(() => [...jobFiles(), ...origin.listSpool()]).toEqual([]);
  });

  it('is handed to the next start by SIGTERM, and the end is a good one', async () => {
    origin = await startOrigin({ DRAIN_TIMEOUT: '0' }, { dataDir });
    const { id } = await submit('en_long.flac');
    await origin.workedOn();
    expect(await endBy('SIGTERM')).toBe(0);
    expect(origin.listSpool()).toEqual([]);
    expect(jobFiles()).toEqual([id]);
    origin = await startOrigin({}, { dataDir });
    expect(await ended(id)).toMatchObject({ status: 'done', attempts: 1 });
    expect(errorRateOf('en_long.flac', await resultOf(id))).toBeLessThanOrEqual(0.08);
  });

  it('is given up after the third time, and says so', async () => {
    let id = '';
    for (let crash = 0; crash < 3; crash++) {
      origin = await startOrigin({}, { dataDir });
      if (crash === 0) id = (await submit('en_long.flac')).id;
      const isRunning = async () =>
        JobResponse.parse(await (await fetch(`${origin.url}/jobs/${id}`)).json()).status;
      await expect.poll(isRunning).toBe('running');
      await endBy('SIGKILL');
    }
    origin = await startOrigin({}, { dataDir });
    const error = { status: 500, code: 'job_given_up' };
    expect(await ended(id)).toMatchObject({ status: 'failed', attempts: 3, error });
    await expect.poll(jobFiles).toEqual([]);
  });
});

describe('a second service with the same DATA_DIR', () => {
  it('does not start, and says why', async () => {
    origin = await startOrigin({}, { dataDir });
    await expect(startOrigin({}, { dataDir })).rejects.toThrow(/another service runs/);
    expect((await origin.health()).status).toBe('healthy');
  });
});
