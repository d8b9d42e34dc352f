import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  type MetricFamily,
  PROMETHEUS_CONTENT_TYPE,
  renderPrometheus,
} from '#edge-worker/metrics/render-prometheus.ts';
import { readExposition } from '#test/support/exposition.ts';

const FAMILY = { name: 'a_total', help: 'Help.', labelNames: ['x'] } as const;

/** Signs that the format gives a meaning, among others. */
const hostileText = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '\n', '{', '}', ',', '=', ' ', 'n', '#', 'ä', '🎙'),
  maxLength: 12,
});
const labels = fc.tuple(hostileText, hostileText);
const amount = fc.oneof(
  fc.nat(),
  fc.double({ min: 0, max: 1e300, noNaN: true }),
  fc.constantFrom(0, 1e21, 1e-7, 0.1 + 0.2),
);
const bounds = fc.uniqueArray(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), {
  minLength: 1,
  maxLength: 6,
});
const observations = fc.array(fc.double({ min: 0, max: 2e6, noNaN: true }), { maxLength: 20 });

describe('renderPrometheus', () => {
  it('gives back every label value that it was given, whatever signs it has', () => {
    fc.assert(
      fc.property(labels, hostileText, amount, (values, help, value) => {
        const series = [{ labels: values, value }];
        const family = { type: 'counter', name: 'a_total', help, labelNames: ['x', 'y'], series };
        const page = readExposition(renderPrometheus([family as MetricFamily]));
        expect(page.families).toHaveLength(1);
        expect(page.families[0]?.help).toBe(help);
        expect(page.value('a_total', { x: values[0], y: values[1] })).toBe(value);
      }),
    );
  });

  it('writes buckets that hold all those below them, and the count of all', () => {
    fc.assert(
      fc.property(bounds, observations, (ends, seen) => {
        const rising = ends.toSorted((a, b) => a - b);
        const page = readExposition(renderPrometheus([toHistogram(rising, seen)]));
        for (const end of rising) {
          const within = seen.filter((value) => value <= end).length;
          expect(page.value('b_bucket', { le: String(end) })).toBe(within);
        }
        expect(page.value('b_count')).toBe(seen.length);
        expect(page.value('b_bucket', { le: '+Inf' })).toBe(seen.length);
      }),
    );
  });

  it('writes what prom-client writes, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(labels, amount, bounds, observations, async (values, value, ends, seen) => {
        const rising = ends.toSorted((a, b) => a - b);
        const page = renderPrometheus([
          { type: 'counter', ...TWO, name: 'a_total', series: [{ labels: values, value }] },
          { type: 'gauge', ...TWO, name: 'c', series: [{ labels: values, value }] },
          toHistogram(rising, seen),
        ]);
        expect(page).toBe(await writeWithPromClient(values, value, rising, seen));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['shows a family without labels and without series as 0', [], 'a_total 0\n'],
    ['shows nothing of a family with labels and without series', ['x'], 'counter\n'],
  ])('%s', (_rule, labelNames, end) => {
    const family = { type: 'counter', ...FAMILY, labelNames, series: [] } as const;
    expect(renderPrometheus([family]).endsWith(end)).toBe(true);
  });

  it('writes what is no finite number in the words of the format', () => {
    const series = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(
      (value, index) => ({ labels: [String(index)], value }),
    );
    const text = renderPrometheus([{ type: 'gauge', ...FAMILY, series }]);
    expect(text.match(/ (NaN|\+Inf|-Inf)$/gm)).toEqual([' NaN', ' +Inf', ' -Inf']);
  });

  it('has the content type of the format', () => {
    expect(PROMETHEUS_CONTENT_TYPE).toBe(Registry.PROMETHEUS_CONTENT_TYPE);
  });
});

const TWO = { help: 'Help \\ with\na line.', labelNames: ['x', 'y'] };

function toHistogram(rising: readonly number[], seen: readonly number[]): MetricFamily {
  const counts = new Array<number>(rising.length + 1).fill(0);
  for (const value of seen) {
    const found = rising.findIndex((end) => value <= end);
    const bucket = found < 0 ? rising.length : found;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const sum = seen.reduce((total, value) => total + value, 0);
  const series = [{ labels: [], counts, sum }];
  return { type: 'histogram', name: 'b', help: 'b', labelNames: [], bounds: rising, series };
}

async function writeWithPromClient(
  [x, y]: readonly [string, string],
  value: number,
  buckets: readonly number[],
  seen: readonly number[],
): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ ...TWO, name: 'a_total', registers }).inc({ x, y }, value);
  new Gauge({ ...TWO, name: 'c', registers }).set({ x, y }, value);
  const histogram = new Histogram({ name: 'b', help: 'b', buckets: [...buckets], registers });
  for (const one of seen) histogram.observe(one);
  return await registry.metrics();
}
