/** The engine's process: killed under work, ended when idle, loaded ahead. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, post, recording, transcribe } from '#test/support/transcribe-request.ts';

const VAD_COUNT = 'mana_stt_stage_duration_seconds_count{stage="vad"}';

describe('an engine that is killed', () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startOrigin({ PRELOAD_MODELS: 'true' });
    await origin.logLine(({ msg }) => msg === 'model loaded');
  });
  afterAll(() => origin.stop());
  afterEach(() => {
    expect(origin.listSpool()).toEqual([]);
  });

  it('under a long recording does not cost it: the lost work is done again', async () => {
    const restarts = await origin.metric('mana_stt_engine_restarts_total');
    const before = await origin.metric(VAD_COUNT);
    const answer = transcribe(origin, 'en_long.flac');
    await expect.poll(() => origin.metric(VAD_COUNT)).toBeGreaterThan(before);
    process.kill(await origin.enginePid(), 'SIGKILL');
    expect(errorRateOf('en_long.flac', await answer)).toBeLessThanOrEqual(0.08);
    expect(await origin.metric('mana_stt_engine_restarts_total')).toBe(restarts + 1);
    expect(await origin.health()).toMatchObject({ status: 'healthy', engine_state: 'ready' });
  });

  it('again and again gives 503 with Retry-After, and the next request succeeds', async () => {
    const before = await origin.metric(VAD_COUNT);
    const answer = post(origin, await recording('en_long.flac')).then(async (response) => ({
      status: response.status,
      retryAfter: Number(response.headers.get('retry-after')),
      body: JSON.parse(await response.text()),
    }));
    let isAnswered = false;
    const answered = answer.finally(() => {
      isAnswered = true;
    });
    // Killed before there is work, it would be given up before the work is.
    await expect.poll(() => origin.metric(VAD_COUNT)).toBeGreaterThan(before);
    let from = origin.log.length;
    process.kill(await origin.enginePid(), 'SIGKILL');
    while (!isAnswered) {
      const isReady = (line: object) => 'msg' in line && line.msg === 'engine process ready';
      const ready = await Promise.race([answered, origin.logLine(isReady, from)]);
      if ('pid' in ready) process.kill(Number(ready['pid']), 'SIGKILL');
      from = origin.log.length;
    }
    const { status, retryAfter, body } = await answered;
    expect(status).toBe(503);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(body).toMatchObject({ code: 'engine_unavailable', status: 503 });
    expect(body.detail).toMatch(/Try again in \d+ s/);
    const next = await transcribe(origin, 'en_harbor.flac');
    expect(errorRateOf('en_harbor.flac', next)).toBeLessThanOrEqual(0.1);
  });
});

describe('VRAM_IDLE_TIMEOUT', () => {
  it('ends the engine process after the last request; the next one starts it again', async () => {
    const origin = await startOrigin({ VRAM_IDLE_TIMEOUT: '1' });
    try {
      expect(await origin.health()).toMatchObject({ engine_state: 'idle', whisper_loaded: false });
      await transcribe(origin, 'formats/clip.mp3');
      const first = await origin.enginePid();
      await origin.logLine(({ msg }) => msg === 'engine process ended, because it was idle');
      expect(isAlive(first)).toBe(false);
      const health = { status: 'healthy', engine_state: 'idle', whisper_loaded: false };
      expect(await origin.health()).toMatchObject(health);
      expect(await origin.metric('mana_stt_model_loaded{model="base"}')).toBe(0);
      await transcribe(origin, 'formats/clip.mp3');
      expect(await origin.enginePid()).not.toBe(first);
      expect(await origin.metric('mana_stt_model_load_duration_seconds_count')).toBe(2);
      const loaded = origin.log.filter(({ msg }) => msg === 'model loaded');
      const asked = origin.log.filter(({ msg }) => msg === 'request').slice(-2);
      expect(loaded.map((line) => line['request_ids'])).toEqual(
        asked.map((line) => [line['request_id']]),
      );
      expect(await origin.metric('mana_stt_engine_restarts_total')).toBe(0);
    } finally {
      await origin.stop();
    }
  });
});

describe('WHISPER_DEVICE', () => {
  it('cuda without a build for it falls back to the CPU, with the reason in the log', async () => {
    const settings = { WHISPER_DEVICE: 'cuda', WHISPER_MODEL: 'base', PRELOAD_MODELS: 'true' };
    const origin = await startOrigin(settings);
    try {
      const line = await origin.logLine(({ msg }) => msg === 'model loaded');
      expect(line).toMatchObject({ level: 'warn', device: 'cpu' });
      expect(line['note']).toMatch(/cuda: no "cuda-f16" build is installed/);
      await transcribe(origin, 'formats/clip.mp3');
    } finally {
      await origin.stop();
    }
  });
});

describe('PRELOAD_MODELS', () => {
  it('true loads the default model before anyone asks', async () => {
    const origin = await startOrigin({ PRELOAD_MODELS: 'true' });
    try {
      const line = await origin.logLine(({ msg }) => msg === 'model loaded');
      expect(line).toMatchObject({ level: 'info', model: 'base', device: 'cpu', note: null });
      const health = { engine_state: 'ready', whisper_loaded: true, device: 'cpu' };
      expect(await origin.health()).toMatchObject(health);
      expect(await origin.metric('mana_stt_model_loaded{model="base"}')).toBe(1);
    } finally {
      await origin.stop();
    }
  });

  it('with a name that is not here leaves a service that works, and says so in the log', async () => {
    const origin = await startOrigin({ PRELOAD_MODELS: 'large-v9' });
    try {
      const failed = await origin.logLine(({ level }) => level === 'error');
      expect(JSON.stringify(failed)).toContain('large-v9');
      await transcribe(origin, 'formats/clip.mp3');
    } finally {
      await origin.stop();
    }
  });
});
