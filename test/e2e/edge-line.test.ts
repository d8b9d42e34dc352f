/** What becomes of a recording when the line between edge and origin, or the origin, or the client, does not last. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type CutLine, layLine } from '#test/support/cut-line.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, post, recording, transcribe } from '#test/support/transcribe-request.ts';

const ATTEMPTS = (outcome: string) => `mana_stt_job_attempts_total{outcome="${outcome}"}`;

let keys: Awaited<ReturnType<typeof generateAssertionKeys>>;
let dataDir: string;
let origin: RunningOrigin;
let line: CutLine;
let edge: RunningEdge;

const startAgain = () => startOrigin({ EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey }, { dataDir });

beforeAll(async () => {
  keys = await generateAssertionKeys();
  line = await layLine(1);
  edge = await startEdge({
    ORIGINS: `gpu=${line.url}`,
    ORIGIN_RETRY_SECONDS: '120',
    EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey,
  });
});
afterAll(async () => {
  await edge?.stop();
  await line?.close();
});
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mana-stt-e2e-'));
  origin = await startAgain();
  line.leadTo(origin.port);
  line.restore();
});
afterEach(async () => {
  origin.process.kill('SIGKILL');
  await origin.exited;
  rmSync(dataDir, { recursive: true, force: true });
});

async function expectText(response: Response, name: string, most: number): Promise<void> {
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  const answer = TranscriptionResponse.parse(body);
  expect(errorRateOf(name, answer)).toBeLessThanOrEqual(most);
  expect(response.headers.get('x-mana-backend')).toBe('whisperx');
  expect(response.headers.get('x-mana-route')).toMatch(/whisperx\.gpu=ok$/);
}

describe('a line that is cut', () => {
  it('while the origin works is not seen by the client, and nothing is done twice', async () => {
    const asked = post(edge, await recording('en_long.flac'));
    await origin.workedOn();
    line.cut();
    // The work is done and has an end before the line is back.
    await expect.poll(() => origin.metric(ATTEMPTS('done')), { timeout: 60_000 }).toBe(1);
    line.restore();
    await expectText(await asked, 'en_long.flac', 0.08);
    expect(await origin.metric('mana_stt_job_attempts_total{outcome="done"}')).toBe(1);
  });

  it('under an upload is not seen by the client either', async () => {
    const before = line.sentBytes();
    const asked = post(edge, await recording('en_long.flac'));
    await line.until(() => line.sentBytes() > before + 100_000);
    line.cut();
    const cutOff = await origin.metric(ATTEMPTS('done'));
    line.restore();
    await expectText(await asked, 'en_long.flac', 0.08);
    expect(await origin.metric(ATTEMPTS('done'))).toBe(cutOff + 1);
  });

  it('before anything was sent is waited for', async () => {
    line.cut();
    const asked = post(edge, await recording('en_harbor.flac'));
    const refused = await fetch(`${edge.url}/models`);
    expect(refused.status).toBe(502);
    line.restore();
    await expectText(await asked, 'en_harbor.flac', 0.1);
  });

  it('and goes silent for a while only delays the answer', async () => {
    const asked = post(edge, await recording('en_long.flac'));
    await origin.workedOn();
    line.hush();
    await expect.poll(() => origin.metric(ATTEMPTS('done')), { timeout: 60_000 }).toBe(1);
    line.restore();
    await expectText(await asked, 'en_long.flac', 0.08);
  });
});

describe('an origin that ends under way', () => {
  it('finishes the same job after SIGKILL and a new start', async () => {
    const asked = post(edge, await recording('en_long.flac'));
    await origin.workedOn();
    origin.process.kill('SIGKILL');
    await origin.exited;
    origin = await startAgain();
    line.leadTo(origin.port);
    await expectText(await asked, 'en_long.flac', 0.08);
    expect(await origin.metric(ATTEMPTS('done'))).toBe(1);
    expect(await origin.metric(ATTEMPTS('crashed'))).toBeGreaterThanOrEqual(1);
  });

  it('hands its work to the next start by SIGTERM, and takes new work there', async () => {
    const asked = post(edge, await recording('en_long.flac'));
    await origin.workedOn();
    origin.process.kill('SIGTERM');
    const late = post(edge, await recording('en_harbor.flac'));
    await origin.exited;
    origin = await startAgain();
    line.leadTo(origin.port);
    await expectText(await asked, 'en_long.flac', 0.08);
    await expectText(await late, 'en_harbor.flac', 0.1);
  });
});

describe('a client', () => {
  it('that has its answer leaves nothing of it at the origin', async () => {
    await transcribe(edge, 'en_harbor.flac');
    await expect.poll(() => origin.metric('mana_stt_jobs{status="done"}')).toBe(0);
  });

  it('that comes again with its own Idempotency-Key gets the same answer', async () => {
    const send = async () => {
      const body = new FormData();
      body.append('file', await recording('en_harbor.flac'));
      const headers = { 'Idempotency-Key': 'mine-1' };
      const response = await fetch(`${edge.url}/transcribe`, { method: 'POST', body, headers });
      return TranscriptionResponse.parse(await response.json());
    };
    const first = await send();
    expect((await send()).request_id).toBe(first.request_id);
  });

  it('is told what is wrong with its recording, with the status of the origin', async () => {
    const response = await post(edge, new File(['%PDF-1.7 no sound'], 'talk.mp3'));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'undecodable_audio' });
    expect(response.headers.get('x-mana-route')).toBe('whisperx.gpu=undecodable_audio');
  });
});
