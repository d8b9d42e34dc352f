/** What a PromQL expression asks for, by Prometheus' own grammar. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly metric: string;
  /** Names in its matchers. */
  readonly labels: readonly string[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** Names in `by (…)`, `on (…)` and the like. */
  readonly groupings: readonly string[];
}

/** @throws Error where the expression is no PromQL */
export function parsePromql(expression: string): Query {
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, type, from, to, node }) => {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      const parent = node.parent?.name;
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && parent === 'VectorSelector' && selector) selector.metric = text;
      if (name === 'LabelName' && parent === 'GroupingLabels') groupings.push(text);
      else if (name === 'LabelName' && selector) selector.labels.push(text);
    },
  });
  return { selectors, groupings };
}
