/** Adds up what requests report, with a bound on the series and whoever stores them told of every change. No I/O of its own. */
import {
  COUNTERS,
  type CounterId,
  HISTOGRAMS,
  type HistogramId,
  isCounterId,
  isHistogramId,
  type MetricSample,
} from '#edge-worker/metrics/edge-metrics.ts';

/** One series as it stands. */
export type MetricSeries =
  | {
      readonly metric: CounterId;
      readonly labels: readonly string[];
      readonly total: number;
    }
  | {
      readonly metric: HistogramId;
      readonly labels: readonly string[];
      /** Values in each bucket alone: (nBounds + 1). */
      readonly counts: readonly number[];
      readonly sum: number;
    };

/** Where requests report, and the page of metrics reads. */
export interface MetricStore {
  report(samples: readonly MetricSample[]): Promise<void>;
  read(): Promise<readonly MetricSeries[]>;
}

export interface MetricTableOptions {
  /** What was stored before. */
  readonly series?: Iterable<MetricSeries>;
  readonly onChange?: (key: string, series: MetricSeries) => void;
}

/** Of one metric. Ten times what the routes, the statuses and a full list of origins make. */
export const MAX_SERIES_PER_METRIC = 1000;
const MAX_LABEL_LENGTH = 100;

/** Holds them by a key of metric and labels. */
export class MetricTable {
  readonly #series = new Map<string, MetricSeries>();
  readonly #sizes = new Map<string, number>();
  readonly #onChange: NonNullable<MetricTableOptions['onChange']>;

  constructor({ series = [], onChange = () => {} }: MetricTableOptions = {}) {
    for (const one of series) this.#set(keyOf(one.metric, one.labels), one);
    this.#onChange = onChange;
  }

  /**
   * Adds a sample. One that a newer or older version of the Worker made (an unknown metric, other labels) or that holds
   * no number is left out; a series too many counts as one whose labels are all `other`.
   */
  add({ metric, labels, value }: MetricSample): void {
    if (!isKnown(metric, labels) || !Number.isFinite(value) || value < 0) return;
    const own = labels.map((label) => label.slice(0, MAX_LABEL_LENGTH));
    const key = keyOf(metric, own);
    const hasRoom = this.#series.has(key) || (this.#sizes.get(metric) ?? 0) < MAX_SERIES_PER_METRIC;
    if (hasRoom) this.#addTo(key, metric, own, value);
    else {
      const others = labels.map(() => 'other');
      this.#addTo(keyOf(metric, others), metric, others, value);
    }
  }

  read(): readonly MetricSeries[] {
    return [...this.#series.values()];
  }

  #addTo(key: string, metric: MetricSample['metric'], labels: readonly string[], value: number) {
    const next = addSample(this.#series.get(key), { metric, labels, value });
    this.#set(key, next);
    this.#onChange(key, next);
  }

  #set(key: string, series: MetricSeries): void {
    if (!this.#series.has(key)) {
      this.#sizes.set(series.metric, (this.#sizes.get(series.metric) ?? 0) + 1);
    }
    this.#series.set(key, series);
  }
}

function addSample(known: MetricSeries | undefined, sample: MetricSample): MetricSeries {
  const { metric, labels, value } = sample;
  if (isCounterId(metric)) {
    const total = known !== undefined && 'total' in known ? known.total : 0;
    return { metric, labels, total: total + value };
  }
  const { bounds } = HISTOGRAMS[metric];
  const before = known !== undefined && 'counts' in known ? known : null;
  const counts = before?.counts ?? new Array<number>(bounds.length + 1).fill(0);
  const found = bounds.findIndex((bound) => value <= bound);
  const bucket = found < 0 ? bounds.length : found;
  return {
    metric,
    labels,
    counts: counts.map((count, index) => (index === bucket ? count + 1 : count)),
    sum: (before?.sum ?? 0) + value,
  };
}

/** Of this version, with as many labels as it has. */
function isKnown(metric: string, labels: readonly string[]): boolean {
  if (isCounterId(metric)) return COUNTERS[metric].labelNames.length === labels.length;
  return isHistogramId(metric) && HISTOGRAMS[metric].labelNames.length === labels.length;
}

function keyOf(metric: string, labels: readonly string[]): string {
  return JSON.stringify([metric, ...labels]);
}
