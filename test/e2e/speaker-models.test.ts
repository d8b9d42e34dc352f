/** SEGMENTATION_MODEL and SPEAKER_MODEL: tiny models with made-up weights in the layout of the real ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '#models/store.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { installSpeakerModels } from '#test/support/speaker-fixtures.ts';
import { silence, wavFile } from '#test/support/synthetic-sound.ts';
import { post, recording, transcribe } from '#test/support/transcribe-request.ts';

const DIALOGUE = 'en_dialogue.flac';
const PULLED = {
  SEGMENTATION_MODEL: 'segmentation-3.0',
  SPEAKER_MODEL: 'wespeaker-resnet34-lm',
} as const;

async function restartsOf(origin: RunningOrigin): Promise<number> {
  return origin.metric('mana_stt_engine_restarts_total');
}

/** One recording, and the same voice in a sample. */
async function sendSample(origin: RunningOrigin): Promise<Response> {
  const form = new FormData();
  form.append('file', await recording('en_harbor.flac'));
  form.append('known_speaker_names[]', 'Ada');
  form.append('known_speaker_references[]', await recording('en_harbor.flac'));
  return fetch(`${origin.url}/transcribe`, { method: 'POST', body: form });
}

describe('models that were pulled', () => {
  const modelsDir = mkdtempSync(join(tmpdir(), 'mana-stt-models-'));
  let origin: RunningOrigin;
  beforeAll(async () => {
    await installSpeakerModels(openStore(modelsDir));
    origin = await startOrigin({ ...PULLED, MODELS_DIR: modelsDir });
  });
  afterAll(async () => {
    expect(await restartsOf(origin)).toBe(0);
    await origin.stop();
    rmSync(modelsDir, { recursive: true });
  });

  it('are used for speakers: the segmentation model hears one all the time', async () => {
    const fields = { diarize: 'true', speaker_embeddings: 'true', num_speakers: '1' };
    const answer = await transcribe(origin, DIALOGUE, fields);
    expect(answer.text).toContain('printer');
    expect(answer.speakers).toEqual(['SPEAKER_00']);
    const [voice] = answer.speaker_details ?? [];
    expect(Math.hypot(...(voice?.embedding ?? []))).toBeCloseTo(1, 4);
    const duration = answer.duration_seconds;
    expect(voice?.speech_seconds).toBeGreaterThan(duration - 1);
    expect(answer.turns?.every(({ start, end }) => start >= 0 && end <= duration)).toBe(true);
    expect(answer.words?.every(({ speaker }) => speaker === 'SPEAKER_00')).toBe(true);
  });

  it('find speakers of their own number', async () => {
    const answer = await transcribe(origin, DIALOGUE, { diarize: 'true' });
    expect(answer.speakers?.length).toBeGreaterThanOrEqual(1);
    expect(answer.turns?.length).toBeGreaterThanOrEqual(1);
  });

  it('read recordings shorter than a window', async () => {
    const quiet = wavFile('quiet.wav', 2, silence);
    const answer = await transcribe(origin, quiet, { diarize: 'true' });
    expect(answer.text).toBe('');
  });

  it('know a voice again by a sample of it', async () => {
    const response = await sendSample(origin);
    expect(response.status).toBe(200);
    const answer = TranscriptionResponse.parse(await response.json());
    expect(answer.speakers).toContain('Ada');
  });

  it('refuse an embedding of another encoder', async () => {
    const known = [{ name: 'Ada', embedding: Array(256).fill(0.1) }];
    const fields = { known_speakers: JSON.stringify(known) };
    const response = await post(origin, await recording('en_harbor.flac'), { fields });
    expect(response.status).toBe(422);
    expect(JSON.stringify(await response.json())).toContain('256 numbers');
  });
});

describe('models that are missing or of another kind', () => {
  it('are told at start and give 503, without the engine', async () => {
    const origin = await startOrigin({ SEGMENTATION_MODEL: 'segmentation-3.0' });
    const told = await origin.logLine(({ setting }) => setting === 'SEGMENTATION_MODEL');
    expect(told['action']).toBe('Run: npm run models -- pull segmentation-3.0');
    const response = await post(origin, await recording('en_harbor.flac'));
    expect(response.status).toBe(503);
    const body = await response.json();
    expect(body).toMatchObject({ code: 'model_unavailable' });
    expect(JSON.stringify(body)).toContain('segmentation-3.0');
    expect(await restartsOf(origin)).toBe(0);
    await origin.stop();
  });

  it('cost speakers only where the encoder cannot be used', async () => {
    const origin = await startOrigin({ SPEAKER_MODEL: 'base' });
    const answer = await transcribe(origin, 'en_harbor.flac', { diarize: 'true' });
    expect(answer.text).not.toBe('');
    expect(answer.speakers).toBeNull();
    expect(answer.warnings).toContainEqual(expect.stringContaining('"base"'));
    expect((await sendSample(origin)).status).toBe(503);
    expect(await restartsOf(origin)).toBe(0);
    await origin.stop();
  });
});
