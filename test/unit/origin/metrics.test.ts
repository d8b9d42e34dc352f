import { describe, expect, it } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '#origin/metrics/definitions.ts';
import { createMetrics } from '#origin/metrics/metrics.ts';

const ALL = [COUNTERS, GAUGES, HISTOGRAMS].flatMap((table) => Object.values(table));

describe('the metrics', () => {
  it.each(ALL)('$name keeps the prefix and says what it is', ({ name, help }) => {
    expect(name).toMatch(/^mana_stt_[a-z_]+$/);
    expect(help).toMatch(/\.$/);
  });

  it('have the names and labels of the existing dashboard', () => {
    const labels = new Map<string, readonly string[]>(ALL.map((it) => [it.name, it.labelNames]));
    expect(labels.get('mana_stt_model_loaded')).toEqual(['model']);
    expect(labels.get('mana_stt_requests_total')).toEqual(['status', 'model', 'language']);
    expect(labels.get('mana_stt_characters_transcribed_total')).toEqual([]);
    expect(labels.get('mana_stt_active_requests')).toEqual([]);
    expect(labels.get('mana_stt_transcription_duration_seconds')).toEqual(['model']);
    expect(labels.get('mana_stt_file_size_mb')).toEqual([]);
    expect(labels.get('mana_stt_model_load_duration_seconds')).toEqual([]);
  });
});

describe('createMetrics', () => {
  it('renders what the pipeline reports', async () => {
    const metrics = createMetrics();
    metrics.observeStage('decode', 0.2);
    metrics.observeBatch(4);
    metrics.observeModelLoad('base', 1.5);
    metrics.setModelLoaded('base', true);
    metrics.countEngineRestart();
    metrics.observeEngineCall?.('decode', 0.5);
    const { text } = await metrics.render();
    expect(text).toContain('mana_stt_stage_duration_seconds_sum{stage="decode"} 0.2');
    expect(text).toContain('mana_stt_engine_call_duration_seconds_sum{call="decode"} 0.5');
    expect(text).toContain('mana_stt_batch_items_sum 4');
    expect(text).toContain('mana_stt_model_load_duration_seconds_sum 1.5');
    expect(text).toContain('mana_stt_model_loaded{model="base"} 1');
    expect(text).toContain('mana_stt_engine_restarts_total 1');
  });

  it('tells the one state of the engine, its memory and what fits at all', async () => {
    const metrics = createMetrics();
    metrics.setEngine({ state: 'starting', rssBytes: null });
    metrics.setEngine({ state: 'ready', rssBytes: 123_456 });
    metrics.setLimits({ slots: 3, queue: 20 });
    const { text } = await metrics.render();
    expect(text).toContain('mana_stt_engine_state{state="ready"} 1');
    expect(text).toContain('mana_stt_engine_state{state="starting"} 0');
    expect(text).toContain('mana_stt_memory_bytes{part="engine"} 123456');
    expect(text).toMatch(/mana_stt_memory_bytes\{part="service"\} [1-9]\d{6,}/);
    expect(text).toContain('mana_stt_slots 3');
    expect(text).toContain('mana_stt_queue_capacity 20');
  });

  it('tells who has the memory of the GPUs, and forgets who has let go', async () => {
    const metrics = createMetrics();
    const device = {
      id: 'GPU-a',
      mib: { total: 24_576, used: 9000, leased: 6000, other: 0, room: 15_000 },
    };
    const lease = { owner: 'mana-tts', device: 'GPU-a', mib: 3000, isInUse: true };
    const reading = { problem: null, devices: [device], waiting: 2, unreturned: [] };
    metrics.setGpu({ ...reading, leases: [lease, lease, { ...lease, owner: 'gone' }] });
    metrics.setGpu({ ...reading, leases: [lease, { ...lease, isInUse: false }] });
    const { text } = await metrics.render();
    expect(text).toContain('mana_stt_gpu_memory_mib{device="GPU-a",kind="room"} 15000');
    expect(text).toContain('mana_stt_gpu_leased_mib{owner="mana-tts",device="GPU-a"} 6000');
    expect(text).toContain('mana_stt_gpu_leases{owner="mana-tts",state="in_use"} 1');
    expect(text).toContain('mana_stt_gpu_leases{owner="mana-tts",state="idle"} 1');
    expect(text).toContain('mana_stt_gpu_waiting 2');
    expect(text).not.toMatch(/gone|mana_stt_gpu_problem\{/);
    metrics.setGpu({ ...reading, problem: 'timeout', leases: [] });
    expect((await metrics.render()).text).toContain('mana_stt_gpu_problem{problem="timeout"} 1');
  });

  it('counts who made room, and keeps no more names than services can be', async () => {
    const metrics = createMetrics();
    for (const owner of ['mana-tts', 'mana-tts']) metrics.countEviction(owner);
    for (let i = 0; i < 100; i += 1) metrics.countEviction(`made-up-${i}`);
    const { text } = await metrics.render();
    expect(text).toContain('mana_stt_gpu_evictions_total{owner="mana-tts"} 2');
    expect(text).toContain('mana_stt_gpu_evictions_total{owner="other"} 51');
    expect(text.match(/^mana_stt_gpu_evictions_total/gm)).toHaveLength(51);
  });

  it('shows what alerts wait for from the start, as 0', async () => {
    const { text } = await createMetrics().render();
    expect(text).toContain('mana_stt_errors_total{code="internal"} 0');
    expect(text).toContain('mana_stt_errors_total{code="storage_full"} 0');
    expect(text).toContain('mana_stt_job_attempts_total{outcome="failed"} 0');
  });

  it('makes registries that do not know each other', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.countError('no_file');
    expect((await other.render()).text).not.toContain('code="no_file"');
  });
});
