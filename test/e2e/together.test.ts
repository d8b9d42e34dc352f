/** Several requests at once, and what the service tells about itself and its work. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '#origin/metrics/definitions.ts';
import { IndexResponse, ModelsResponse } from '#shared/contracts/service.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { transcribe } from '#test/support/transcribe-request.ts';

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin({ PRELOAD_MODELS: 'true' });
  await origin.logLine(({ msg }) => msg === 'model loaded');
});
afterAll(() => origin.stop());

describe('requests at the same time', () => {
  it('share batches, and each gets what it gets alone', async () => {
    const names = ['en_harbor.flac', 'en_dialogue.flac', 'de_bahnhof.flac', 'en_harbor.flac'];
    const languages = { languages: 'de,en' };
    const alone: string[] = [];
    for (const name of names) alone.push((await transcribe(origin, name, languages)).text);
    const [items, batches] = await batchCounts();
    const together = await Promise.all(names.map((name) => transcribe(origin, name, languages)));
    expect(together.map(({ text }) => text)).toEqual(alone);
    const [itemsAfter, batchesAfter] = await batchCounts();
    expect(itemsAfter - items).toBeGreaterThan(batchesAfter - batches);
  });

  async function batchCounts(): Promise<[items: number, batches: number]> {
    const items = await origin.metric('mana_stt_batch_items_sum');
    return [items, await origin.metric('mana_stt_batch_items_count')];
  }
});

describe('GET /metrics', () => {
  /** The dashboard that exists reads these. */
  const contract = [
    'mana_stt_model_loaded',
    'mana_stt_requests_total',
    'mana_stt_characters_transcribed_total',
    'mana_stt_active_requests',
    'mana_stt_transcription_duration_seconds',
    'mana_stt_file_size_mb',
    'mana_stt_model_load_duration_seconds',
  ];

  it('has every name, and counts a request where it belongs', async () => {
    const requests = 'mana_stt_requests_total{status="success",model="base",language="en"}';
    const before = await origin.metric(requests);
    const characters = await origin.metric('mana_stt_characters_transcribed_total');
    const { text } = await transcribe(origin, 'formats/clip.mp3', { language: 'en' });
    expect(await origin.metric(requests)).toBe(before + 1);
    const charactersAfter = await origin.metric('mana_stt_characters_transcribed_total');
    expect(charactersAfter - characters).toBe(text.length);
    const page = await (await fetch(`${origin.url}/metrics`)).text();
    const ours = [COUNTERS, GAUGES, HISTOGRAMS].flatMap((group) => Object.values(group));
    for (const name of [...contract, ...ours.map((metric) => metric.name)]) {
      expect(page).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, 'm'));
    }
    expect(await origin.metric('mana_stt_model_loaded{model="base"}')).toBe(1);
    expect(await origin.metric('mana_stt_model_load_duration_seconds_count')).toBe(1);
    const duration = 'mana_stt_transcription_duration_seconds_count{model="base"}';
    expect(await origin.metric(duration)).toBeGreaterThan(0);
    expect(await origin.metric('mana_stt_file_size_mb_count')).toBeGreaterThan(0);
  });

  it.each(['decode', 'vad', 'language', 'transcribe', 'align'])(
    'times the stage %s',
    async (stage) => {
      const seconds = `mana_stt_stage_duration_seconds_sum{stage="${stage}"}`;
      expect(await origin.metric(seconds)).toBeGreaterThan(0);
    },
  );
});

describe('what the service says of itself', () => {
  it('GET /health keeps its members and shows the engine at work', async () => {
    expect(await origin.health()).toMatchObject({
      status: 'healthy',
      whisper_loaded: true,
      whisperx: true,
      auth_required: false,
      models: { default_whisper: 'base' },
      engine_state: 'ready',
      device: 'cpu',
      active_requests: 0,
    });
  });

  it('GET /models lists the embedded model', async () => {
    const models = ModelsResponse.parse(await (await fetch(`${origin.url}/models`)).json());
    expect(models).toEqual({
      whisper: ['base'],
      voxtral_vllm: [],
      voxtral_hosted: [],
      default_whisper: 'base',
      loaded: ['base'],
      aligners: {},
    });
  });

  it('GET / lists addresses that are there', async () => {
    const { routes } = IndexResponse.parse(await (await fetch(origin.url)).json());
    expect(routes).toContain('POST /transcribe');
    for (const route of routes) {
      const [method = '', pattern = ''] = route.split(' ');
      const response = await fetch(`${origin.url}${pattern.replace(':id', 'none')}`, { method });
      const { code } = (await response.json().catch(() => ({}))) as { code?: string };
      expect(['unknown_route', 'method_not_allowed'], route).not.toContain(code);
    }
  });
});
