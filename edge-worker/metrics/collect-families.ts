/** Everything on the page of metrics: what was counted, and how things are at this moment. */

import {
  COUNTERS,
  type CounterId,
  GAUGES,
  HISTOGRAMS,
  type HistogramId,
} from '#edge-worker/metrics/edge-metrics.ts';
import type { MetricSeries } from '#edge-worker/metrics/metric-table.ts';
import type {
  CounterFamily,
  HistogramFamily,
  MetricFamily,
} from '#edge-worker/metrics/render-prometheus.ts';
import type { BreakerView } from '#shared/routing/breaker-board.ts';

export interface MetricsPage {
  readonly counted: readonly MetricSeries[];
  readonly origins: readonly OriginGauges[];
  readonly breakers: readonly BreakerView[];
  readonly version: string;
}

/** One origin; all zero when it does not answer. */
export interface OriginGauges {
  readonly name: string;
  readonly isUp: boolean;
  readonly freeSlots: number;
  readonly waiting: number;
}

/** In the order of `edge-metrics.ts`; the series of each by their labels. */
export function collectFamilies(page: MetricsPage): readonly MetricFamily[] {
  const { counted, origins, breakers, version } = page;
  const ofOrigins = (value: (origin: OriginGauges) => number) =>
    origins.map((origin) => ({ labels: [origin.name], value: value(origin) }));
  const states = breakers.map((view) => ({ labels: [view.backend], value: stateOf(view) }));
  return [
    ...keysOf(COUNTERS).map((id) => counterFamily(id, counted)),
    ...keysOf(HISTOGRAMS).map((id) => histogramFamily(id, counted)),
    gaugeFamily(
      'originUp',
      ofOrigins(({ isUp }) => Number(isUp)),
    ),
    gaugeFamily(
      'originFreeSlots',
      ofOrigins(({ freeSlots }) => freeSlots),
    ),
    gaugeFamily(
      'originWaiting',
      ofOrigins(({ waiting }) => waiting),
    ),
    gaugeFamily('breakerState', states),
    gaugeFamily('buildInfo', [{ labels: [version], value: 1 }]),
  ];
}

/** A breaker whose time is over stays open until somebody asks; what counts is what would happen then. */
function stateOf({ state, isOpen }: BreakerView): number {
  if (state === 'closed') return 0;
  return state === 'open' && isOpen ? 2 : 1;
}

function counterFamily(id: CounterId, counted: readonly MetricSeries[]): CounterFamily {
  const series = counted.flatMap((one) =>
    one.metric === id && 'total' in one ? [{ labels: one.labels, value: one.total }] : [],
  );
  return { type: 'counter', ...COUNTERS[id], series: series.toSorted(byLabels) };
}

function histogramFamily(id: HistogramId, counted: readonly MetricSeries[]): HistogramFamily {
  const series = counted.flatMap((one) => (one.metric === id && 'counts' in one ? [one] : []));
  return { type: 'histogram', ...HISTOGRAMS[id], series: series.toSorted(byLabels) };
}

function gaugeFamily(id: keyof typeof GAUGES, series: CounterFamily['series']): CounterFamily {
  return { type: 'gauge', ...GAUGES[id], series };
}

interface Labelled {
  readonly labels: readonly string[];
}

function byLabels(a: Labelled, b: Labelled): number {
  const [left, right] = [JSON.stringify(a.labels), JSON.stringify(b.labels)];
  return left < right ? -1 : Number(left > right);
}

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] {
  // Of a literal: it has no other keys.
  return Object.keys(record) as Key[];
}
