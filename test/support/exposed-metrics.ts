/** The metrics of a page in Prometheus' text format: each name that a query may use, with its labels. */

/** `labels` are those seen on its lines, besides `le`. */
export interface ExposedMetric {
  readonly type: string;
  readonly labels: ReadonlySet<string>;
}

/** By the names of the samples: a histogram has `_bucket`, `_sum` and `_count`. */
export function readExposed(page: string): Map<string, ExposedMetric> {
  const exposed = new Map<string, ExposedMetric>();
  for (const [, name = '', type = ''] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const endings = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    const lines = [...page.matchAll(new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'gm'))];
    const labels = lines.flatMap(([, text = '']) =>
      [...text.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
    for (const ending of endings)
      exposed.set(`${name}${ending}`, { type, labels: new Set(labels) });
  }
  return exposed;
}
