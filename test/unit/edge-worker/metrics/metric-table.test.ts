import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectFamilies } from '#edge-worker/metrics/collect-families.ts';
import { COUNTERS, HISTOGRAMS, type MetricSample } from '#edge-worker/metrics/edge-metrics.ts';
import {
  MAX_SERIES_PER_METRIC,
  type MetricSeries,
  MetricTable,
} from '#edge-worker/metrics/metric-table.ts';
import { renderPrometheus } from '#edge-worker/metrics/render-prometheus.ts';
import { readExposition } from '#test/support/exposition.ts';

const ASKED: MetricSample = { metric: 'requests', labels: ['/transcribe', '200'], value: 1 };

const sample: fc.Arbitrary<MetricSample> = fc.oneof(
  fc.record({
    metric: fc.constant('audioSeconds' as const),
    labels: fc.tuple(fc.constantFrom('whisperx', 'mistral')),
    value: fc.nat(10_000),
  }),
  fc.record({
    metric: fc.constant('uploadBytes' as const),
    labels: fc.constant([]),
    value: fc.nat(200_000_000),
  }),
);

function render(table: MetricTable) {
  const page = { counted: table.read(), origins: [], breakers: [], version: 'test' };
  return readExposition(renderPrometheus(collectFamilies(page)));
}

describe('MetricTable', () => {
  it('adds up every sample once, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const table = new MetricTable();
        for (const one of samples) table.add(one);
        const page = render(table);
        const sum = (metric: string, label?: string) =>
          samples
            .filter((one) => one.metric === metric && one.labels[0] === label)
            .reduce((total, { value }) => total + value, 0);
        for (const backend of ['whisperx', 'mistral']) {
          const total = page.value('mana_stt_edge_audio_seconds_total', { backend }) ?? 0;
          expect(total).toBe(sum('audioSeconds', backend));
        }
        const uploads = samples.filter(({ metric }) => metric === 'uploadBytes').length;
        expect(page.value('mana_stt_edge_upload_bytes_count')).toBe(uploads);
        expect(page.value('mana_stt_edge_upload_bytes_sum')).toBe(sum('uploadBytes'));
      }),
    );
  });

  it('goes on from what was told of each change', () => {
    fc.assert(
      fc.property(fc.array(sample), fc.array(sample), (before, after) => {
        const stored = new Map<string, MetricSeries>();
        const onChange = (key: string, series: MetricSeries) => void stored.set(key, series);
        const first = new MetricTable({ onChange });
        for (const one of before) first.add(one);
        const second = new MetricTable({ series: stored.values(), onChange });
        for (const one of after) second.add(one);
        const whole = new MetricTable();
        for (const one of [...before, ...after]) whole.add(one);
        expect(second.read()).toEqual(whole.read());
        expect([...stored.values()]).toEqual(whole.read());
      }),
    );
  });

  it('counts a value at the end of a bucket as in it', () => {
    const table = new MetricTable();
    const [end = 0] = HISTOGRAMS.uploadBytes.bounds;
    table.add({ metric: 'uploadBytes', labels: [], value: end });
    const bucket = { le: String(end) };
    expect(render(table).value('mana_stt_edge_upload_bytes_bucket', bucket)).toBe(1);
  });

  it('counts series beyond its bound as "other", so that the total stays right', () => {
    const table = new MetricTable();
    for (let index = 0; index < MAX_SERIES_PER_METRIC + 25; index += 1) {
      table.add({ ...ASKED, labels: [`/${index}`, '200'] });
    }
    expect(table.read()).toHaveLength(MAX_SERIES_PER_METRIC + 1);
    const others = { route: 'other', status: 'other' };
    const page = render(table);
    expect(page.value('mana_stt_edge_requests_total', others)).toBe(25);
    table.add({ metric: 'refusals', labels: ['unknown_key'], value: 1 });
    expect(table.read()).toHaveLength(MAX_SERIES_PER_METRIC + 2);
  });

  it('cuts a label that is too long', () => {
    const table = new MetricTable();
    table.add({ ...ASKED, labels: ['x'.repeat(1000), '200'] });
    expect(table.read()[0]?.labels[0]).toHaveLength(100);
  });

  it.each([
    ['no number', { ...ASKED, value: Number.NaN }],
    ['an endless one', { ...ASKED, value: Number.POSITIVE_INFINITY }],
    ['a step back', { ...ASKED, value: -1 }],
    ['too few labels', { ...ASKED, labels: ['/'] }],
    ['an unknown metric', { ...ASKED, metric: 'constructor' }],
  ])('leaves out a sample with %s', (_what, one) => {
    const table = new MetricTable();
    // Of another version of the Worker.
    table.add(one as MetricSample);
    expect(table.read()).toEqual([]);
  });
});

describe('the names', () => {
  it('are those of the edge, and of no other metric', () => {
    const names = [...Object.values(COUNTERS), ...Object.values(HISTOGRAMS)].map(
      ({ name }) => name,
    );
    expect(names.every((name) => name.startsWith('mana_stt_edge_'))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.values(COUNTERS).every(({ name }) => name.endsWith('_total'))).toBe(true);
  });
});
