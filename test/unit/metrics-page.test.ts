import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as edge from '#edge-worker/metrics/edge-metrics.ts';
import * as origin from '#origin/metrics/definitions.ts';

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

interface Tables {
  readonly COUNTERS: Readonly<Record<string, Described>>;
  readonly GAUGES: Readonly<Record<string, Described>>;
  readonly HISTOGRAMS: Readonly<Record<string, Described>>;
}

const page = readFileSync(new URL('../../docs/how-to/metrics.md', import.meta.url), 'utf8');

function rowsOf({ COUNTERS, GAUGES, HISTOGRAMS }: Tables): string[] {
  const kinds = { counter: COUNTERS, gauge: GAUGES, histogram: HISTOGRAMS };
  return Object.entries(kinds).flatMap(([kind, table]) =>
    Object.values(table).map(({ name, help, labelNames }) => {
      const labels = labelNames.length === 0 ? '' : `{${labelNames.join(',')}}`;
      return `| \`${name}${labels}\` | ${kind} | ${help} |`;
    }),
  );
}

describe('docs/how-to/metrics.md', () => {
  it.each([
    ['origin', origin],
    ['edge', edge],
  ])('has a row for each metric of the %s, in its own words', (_side, tables) => {
    expect(rowsOf(tables).filter((row) => !page.includes(row))).toEqual([]);
  });

  it('has no row for what is not there', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `mana_stt_'));
    const known = [...rowsOf(origin), ...rowsOf(edge)];
    expect(rows.filter((row) => !known.includes(row))).toEqual([]);
  });
});
