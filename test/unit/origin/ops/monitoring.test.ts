/** Dashboard and alerts, held against what the service really shows on /metrics. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import * as edge from '#edge-worker/metrics/edge-metrics.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from '#origin/metrics/definitions.ts';
import { readExposed } from '#test/support/exposed-metrics.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';
import { findProgram, runProgram } from '#test/support/outside-program.ts';
import { parsePromql } from '#test/support/promql.ts';

const ops = new URL('../../../../origin/ops/', import.meta.url);
const textOf = (path: string) => readFileSync(fileURLToPath(new URL(path, ops)), 'utf8');

const Dashboard = z.object({
  title: z.string(),
  uid: z.string(),
  schemaVersion: z.number(),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), definition: z.string().optional() })),
  }),
  panels: z.array(
    z.object({
      id: z.number(),
      type: z.enum(['row', 'stat', 'timeseries']),
      title: z.string().min(3),
      description: z.string().min(5).optional(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z
        .array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string().min(1) }))
        .min(1)
        .optional(),
    }),
  ),
});

const Alerts = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^ManaStt[A-Z]\w+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), action: z.string() }),
        }),
      ),
    }),
  ),
});

const dashboard = Dashboard.parse(JSON.parse(textOf('grafana/mana-stt.json')));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const alerts = Alerts.parse(parse(textOf('prometheus/alerts.yml'))).groups.flatMap(
  ({ rules }) => rules,
);

/** Labels that Prometheus adds by itself, and the buckets of histograms. */
const ADDED = ['instance', 'job', 'le'];

/** Labels by the name of a sample. */
type Known = ReadonlyMap<string, readonly string[]>;
let known: Known = new Map();
let origin: TestOrigin;
let page = '';

beforeAll(async () => {
  origin = await startTestOrigin();
  page = await (await fetch(`${origin.url}/metrics`)).text();
  known = new Map([...exposedByOrigin(page), ...declaredByEdge(), ['up', []]]);
});
afterAll(() => origin.stop());

function exposedByOrigin(text: string): [string, readonly string[]][] {
  // A metric with labels has no lines before its first event: the table has their names.
  const tables = [COUNTERS, GAUGES, HISTOGRAMS].flatMap((table) => Object.values(table));
  const declared = new Map<string, readonly string[]>(
    tables.map(({ name, labelNames }) => [name, labelNames]),
  );
  return [...readExposed(text)].map(([name, { labels }]) => {
    const family = name.replace(/_(bucket|sum|count)$/, '');
    return [name, declared.get(name) ?? declared.get(family) ?? [...labels]];
  });
}

function declaredByEdge(): [string, readonly string[]][] {
  const plain = [edge.COUNTERS, edge.GAUGES].flatMap((table) => Object.values(table));
  const histograms = Object.values(edge.HISTOGRAMS).flatMap(({ name, labelNames }) =>
    ['_bucket', '_sum', '_count'].map((ending) => ({ name: `${name}${ending}`, labelNames })),
  );
  return [...plain, ...histograms].map(({ name, labelNames }) => [name, labelNames]);
}

/** What of an expression nobody exposes. */
function unknownIn(expression: string): string[] {
  const { selectors, groupings } = parsePromql(expression);
  const labelsOf = (metric: string) => [...(known.get(metric) ?? []), ...ADDED];
  const metrics = selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => metric);
  const matchers = selectors.flatMap(({ metric, labels }) =>
    labels.filter((label) => !labelsOf(metric).includes(label)),
  );
  const everywhere = selectors.flatMap(({ metric }) => labelsOf(metric));
  return [...metrics, ...matchers, ...groupings.filter((label) => !everywhere.includes(label))];
}

const withVariables = (expression: string) => expression.replaceAll('$instance', '.*');

describe('the metrics of the contract', () => {
  it.each([
    ['mana_stt_model_loaded', 'gauge'],
    ['mana_stt_requests_total', 'counter'],
    ['mana_stt_characters_transcribed_total', 'counter'],
    ['mana_stt_active_requests', 'gauge'],
    ['mana_stt_transcription_duration_seconds', 'histogram'],
    ['mana_stt_file_size_mb', 'histogram'],
    ['mana_stt_model_load_duration_seconds', 'histogram'],
  ])('%s is on the page of a running service', (name, type) => {
    expect(page).toContain(`# TYPE ${name} ${type}\n`);
  });

  it('all names have the prefix', () => {
    expect([...readExposed(page).keys()].filter((name) => !name.startsWith('mana_stt_'))).toEqual(
      [],
    );
  });
});

describe('grafana/mana-stt.json', () => {
  it.each(panels)('$title asks only for what is exposed', ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) expect(unknownIn(withVariables(expr)), expr).toEqual([]);
  });

  it.each(panels)('$title names only labels that its query leaves', ({ targets = [] }) => {
    for (const { expr, legendFormat } of targets) {
      const { groupings, selectors } = parsePromql(withVariables(expr));
      const left = /\bby\b/.test(expr)
        ? groupings
        : selectors.flatMap(({ metric }) => [...(known.get(metric) ?? []), ...ADDED]);
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      expect(named.filter((label) => !left.includes(label ?? ''))).toEqual([]);
    }
  });

  it('shows every metric of our own, of origin and edge', () => {
    const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
    const tables = [COUNTERS, GAUGES, HISTOGRAMS, edge.COUNTERS, edge.HISTOGRAMS, edge.GAUGES];
    const names = tables.flatMap((table) => Object.values(table)).map(({ name }) => name);
    const hidden = names.filter((name) => !shown.includes(name));
    expect(hidden).toEqual(['mana_stt_edge_build_info']);
  });

  it('has panels with ids of their own that do not lie upon one another', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(
      24,
    );
  });

  it('lets choose among origins that are there', () => {
    const variable = dashboard.templating.list.find(({ name }) => name === 'instance');
    const metric = /label_values\((\w+), instance\)/.exec(variable?.definition ?? '')?.[1];
    expect(known.has(metric ?? '')).toBe(true);
  });
});

describe('prometheus/alerts.yml', () => {
  it.each(alerts)('$alert asks only for what is exposed', ({ expr }) => {
    expect(unknownIn(expr)).toEqual([]);
  });

  it.each(alerts)('$alert names only labels that are left', ({ expr, annotations }) => {
    const { groupings, selectors } = parsePromql(expr);
    const own = selectors.flatMap(({ metric }) => [...(known.get(metric) ?? []), ...ADDED]);
    const left = groupings.length > 0 ? groupings : /\bsum\(/.test(expr) ? [] : own;
    const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
    expect(named.filter((label) => !left.includes(label ?? ''))).toEqual([]);
  });

  it('each have a case in alerts.test.yml', () => {
    const cases = textOf('prometheus/alerts.test.yml');
    expect(alerts.filter(({ alert }) => !cases.includes(`alertname: ${alert}\n`))).toEqual([]);
  });

  it('gives each alert a name of its own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it('looks for values that the code writes', () => {
    const source = (path: string) => readFileSync(new URL(`../../${path}`, ops), 'utf8');
    const errors = source('shared/errors.ts');
    for (const { expr } of alerts) {
      for (const [, code] of expr.matchAll(/code="(\w+)"/g)) expect(errors).toContain(`'${code}'`);
    }
    expect(source('origin/metrics/metrics.ts')).toMatch(/status: 'error'/);
  });
});

const promtool = findProgram('promtool', "Prometheus' own download; it needs no server");

describe.skipIf(promtool === null)('promtool', () => {
  it.each([
    ['alerts.yml', ['check', 'rules']],
    ['prometheus.example.yml', ['check', 'config', '--syntax-only']],
    ['alerts.test.yml', ['test', 'rules']],
  ])('passes %s', (name, command) => {
    const path = fileURLToPath(new URL(`prometheus/${name}`, ops));
    const { status, stdout, stderr } = runProgram(promtool ?? '', [...command, path]);
    expect(status, stdout + stderr).toBe(0);
  });
});

describe('prometheus/prometheus.example.yml', () => {
  const Scrape = z.object({
    rule_files: z.array(z.string()),
    scrape_configs: z.array(z.object({ job_name: z.string() })),
  });
  const example = Scrape.parse(parse(textOf('prometheus/prometheus.example.yml')));

  it('scrapes under the names of jobs that alerts and dashboard ask for', () => {
    const jobs = example.scrape_configs.map(({ job_name: name }) => name);
    const asked = [textOf('prometheus/alerts.yml'), textOf('grafana/mana-stt.json')].flatMap((it) =>
      [...it.matchAll(/job=\\?"([\w-]+)/g)].map(([, job]) => job),
    );
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((job) => !jobs.includes(job ?? ''))).toEqual([]);
    expect(example.rule_files).toEqual(['alerts.yml']);
  });
});
