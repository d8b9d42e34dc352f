/** Reads Prometheus' text format 0.0.4 strictly, by its grammar; for tests of what writes it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

export interface Exposition {
  readonly families: readonly Family[];
  /** Of exactly these labels; undefined: there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** @throws Error for the first line that the grammar does not allow, and for a histogram whose buckets do not add up */
export function readExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families: { name: string; help: string; type: string; samples: Sample[] }[] = [];
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = COMMENT.exec(line) ?? [];
    const current = families.at(-1);
    if (keyword === 'HELP') {
      if (families.some((family) => family.name === name)) throw fault('a family twice', line);
      families.push({ name, help: undoEscapes(rest, HELP_ESCAPES, line), type: '', samples: [] });
    } else if (keyword === 'TYPE') {
      if (current?.name !== name || !TYPES.includes(rest)) throw fault('a wrong type', line);
      current.type = rest;
    } else if (current === undefined || current.type === '') throw fault('no family', line);
    else current.samples.push(readSample(line, current));
  }
  for (const family of families) checkFamily(family);
  const samples = families.flatMap((family) => family.samples);
  return {
    families,
    value: (name, labels = {}) =>
      samples.find((one) => one.name === name && keyOf(one.labels) === keyOf(labels))?.value,
  };
}

const COMMENT = /^# (HELP|TYPE) ([A-Za-z_:][\w:]*)(?: (.*))?$/;
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"(,|$)/y;
const NUMBER = /^(?:NaN|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;
const TYPES = ['counter', 'gauge', 'histogram'];
const HELP_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', n: '\n' };
const LABEL_ESCAPES: Readonly<Record<string, string>> = { ...HELP_ESCAPES, '"': '"' };

function readSample(line: string, family: { readonly name: string; readonly type: string }) {
  const [, name = '', inner, number = ''] = SAMPLE.exec(line) ?? [];
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  const isOurs = suffixes.some((suffix) => name === `${family.name}${suffix}`);
  if (!isOurs || !NUMBER.test(number)) throw fault('no sample of its family', line);
  const value = Number(number.replace('Inf', 'Infinity'));
  return { name, labels: readLabels(inner, line), value };
}

function readLabels(inner: string | undefined, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  if (inner === undefined) return labels;
  LABEL.lastIndex = 0;
  for (let end = 0; end < inner.length; end = LABEL.lastIndex) {
    const [, name = '', value = ''] = LABEL.exec(inner) ?? [];
    if (name === '' || Object.hasOwn(labels, name)) throw fault('wrong labels', line);
    labels[name] = undoEscapes(value, LABEL_ESCAPES, line);
  }
  return labels;
}

function undoEscapes(
  text: string,
  escapes: Readonly<Record<string, string>>,
  line: string,
): string {
  return text.replaceAll(/\\(.?)/gs, (_all, sign: string) => {
    const meant = escapes[sign];
    if (meant === undefined) throw fault('a wrong escape', line);
    return meant;
  });
}

function checkFamily({ name, type, samples }: Family): void {
  const keys = samples.map((one) => `${one.name}${keyOf(one.labels)}`);
  if (new Set(keys).size < keys.length) throw new Error(`${name} has a sample twice`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) {
    throw new Error(`${name} is below zero`);
  }
  if (type !== 'histogram') return;
  const series = Map.groupBy(samples, ({ labels: { le: _le, ...own } }) => keyOf(own));
  for (const ofOne of series.values()) checkBuckets(name, ofOne);
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const buckets = samples.filter((one) => one.name === `${name}_bucket`);
  const ends = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')));
  const isRising = ends.every((end, index) => index === 0 || end > (ends[index - 1] ?? end));
  const counts = buckets.map(({ value }) => value);
  const isCumulative = counts.every((one, index) => index === 0 || one >= (counts[index - 1] ?? 0));
  const total = samples.find((one) => one.name === `${name}_count`)?.value;
  const hasSum = samples.some((one) => one.name === `${name}_sum`);
  const isWhole = ends.at(-1) === Number.POSITIVE_INFINITY && counts.at(-1) === total && hasSum;
  if (!isRising || !isCumulative || !isWhole) throw new Error(`${name} does not add up`);
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function fault(what: string, line: string): Error {
  return new Error(`${what}: ${line}`);
}
