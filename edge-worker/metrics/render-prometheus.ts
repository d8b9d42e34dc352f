/**
 * Metrics as the text that Prometheus reads. Own code: prom-client adds up in the memory of one process and cannot take up
 * counts that were stored, and with it come modules of Node (cluster, http, zlib) and 33 KB of gzip. The text is the same,
 * byte for byte; a test compares them.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
 */

export type MetricFamily = CounterFamily | HistogramFamily;

export interface CounterFamily {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly series: readonly { readonly labels: readonly string[]; readonly value: number }[];
}

export interface HistogramFamily {
  readonly type: 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper ends of the buckets, rising. The last bucket, without an end, is not among them. */
  readonly bounds: readonly number[];
  readonly series: readonly HistogramSeries[];
}

export interface HistogramSeries {
  readonly labels: readonly string[];
  /** Values in each bucket alone, not in those below it: (nBounds + 1). */
  readonly counts: readonly number[];
  readonly sum: number;
}

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The whole page. A family without labels and without series is shown as 0. */
export function renderPrometheus(families: readonly MetricFamily[]): string {
  return `${families.map(renderFamily).join('\n\n')}\n`;
}

function renderFamily(family: MetricFamily): string {
  const { name, help, type } = family;
  const head = [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`];
  const lines = type === 'histogram' ? renderHistograms(family) : renderValues(family);
  return [...head, ...lines].join('\n');
}

function renderValues({ name, labelNames, series }: CounterFamily): string[] {
  const shown =
    series.length === 0 && labelNames.length === 0 ? [{ labels: [], value: 0 }] : series;
  return shown.map(({ labels, value }) => renderLine(name, pairUp(labelNames, labels), value));
}

function renderHistograms(family: HistogramFamily): string[] {
  const { name, labelNames, bounds, series } = family;
  const empty = { labels: [], counts: [], sum: 0 };
  const shown = series.length === 0 && labelNames.length === 0 ? [empty] : series;
  return shown.flatMap(({ labels, counts, sum }) => {
    const own = pairUp(labelNames, labels);
    let total = 0;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      total += counts[index] ?? 0;
      return renderLine(`${name}_bucket`, [['le', formatNumber(bound)], ...own], total);
    });
    return [
      ...buckets,
      renderLine(`${name}_sum`, own, sum),
      renderLine(`${name}_count`, own, total),
    ];
  });
}

type Pair = readonly [name: string, value: string];

function pairUp(names: readonly string[], values: readonly string[]): Pair[] {
  return names.map((name, index) => [name, values[index] ?? '']);
}

function renderLine(name: string, pairs: readonly Pair[], value: number): string {
  const labels = pairs.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(',');
  return `${name}${labels === '' ? '' : `{${labels}}`} ${formatNumber(value)}`;
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
