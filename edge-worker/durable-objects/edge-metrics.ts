/**
 * What all isolates of the edge count, added up in one object (`idFromName('metrics')`). Every step is stored before the
 * report is answered, one row a series, so an eviction loses nothing.
 */
import { DurableObject } from 'cloudflare:workers';
import { z } from 'zod';
import {
  HISTOGRAMS,
  isCounterId,
  isHistogramId,
  MAX_SAMPLES,
  type MetricSample,
} from '#edge-worker/metrics/edge-metrics.ts';
import { type MetricSeries, MetricTable } from '#edge-worker/metrics/metric-table.ts';

/** Called over RPC. */
export class EdgeMetrics extends DurableObject {
  #table: MetricTable | null = null;

  /** Adds what one request reports; beyond `MAX_SAMPLES` nothing is read. */
  async report(samples: readonly MetricSample[]): Promise<void> {
    const table = this.#load();
    for (const sample of samples.slice(0, MAX_SAMPLES)) table.add(sample);
  }

  /** Everything counted since the object was made. */
  async read(): Promise<readonly MetricSeries[]> {
    return this.#load().read();
  }

  #load(): MetricTable {
    this.#table ??= this.#open();
    return this.#table;
  }

  #open(): MetricTable {
    const { sql } = this.ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS series (key TEXT PRIMARY KEY, json TEXT) WITHOUT ROWID');
    const stored = sql.exec('SELECT json FROM series').toArray();
    return new MetricTable({
      series: stored.map(({ json }) => readSeries(String(json))).filter((one) => one !== null),
      onChange: (key, series) => {
        const json = JSON.stringify(series);
        sql.exec('INSERT OR REPLACE INTO series (key, json) VALUES (?, ?)', key, json);
      },
    });
  }
}

/** As stored. Null: an older version counted it, with other buckets or under a name that is gone. */
function readSeries(json: string): MetricSeries | null {
  const stored = StoredSeries.safeParse(JSON.parse(json));
  if (!stored.success) return null;
  const { metric, labels, total, counts, sum } = stored.data;
  if (isCounterId(metric)) return total === undefined ? null : { metric, labels, total };
  if (!isHistogramId(metric) || counts === undefined || sum === undefined) return null;
  const isSame = counts.length === HISTOGRAMS[metric].bounds.length + 1;
  return isSame ? { metric, labels, counts, sum } : null;
}

const StoredSeries = z.object({
  metric: z.string(),
  labels: z.array(z.string()),
  total: z.number().optional(),
  counts: z.array(z.number()).optional(),
  sum: z.number().optional(),
});
