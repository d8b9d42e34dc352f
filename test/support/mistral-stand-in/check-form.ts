/** What the real service would refuse, with the bodies it refuses with. */
import type { ReadForm } from '#test/support/mistral-stand-in/read-form.ts';

export interface Fault {
  readonly status: 400 | 422;
  readonly body: unknown;
}

/** The first thing wrong with a form; null when it would be taken. */
export function findFault({ fields, file }: ReadForm): Fault | null {
  const all = (name: string) => fields.filter(([key]) => key === name).map(([, value]) => value);
  return (
    findUnknownField(fields) ??
    findBadValue(all) ??
    checkModel(all('model')[0]) ??
    checkSource(file !== null, all) ??
    checkCombination(all)
  );
}

type Values = (name: string) => readonly string[];

const FIELDS: readonly string[] = [
  'model',
  'file_url',
  'file_id',
  'language',
  'temperature',
  'stream',
  'diarize',
  'context_bias',
  'timestamp_granularities',
];

const MODELS: readonly string[] = [
  'voxtral-mini-latest',
  'voxtral-mini-2602',
  'voxtral-mini-transcribe-3',
  'voxtral-small-transcribe-3',
];

/** Arrays are repeated names: `context_bias[]` is no field. */
function findUnknownField(fields: ReadForm['fields']): Fault | null {
  const unknown = fields.find(([name]) => !FIELDS.includes(name));
  return unknown === undefined ? null : invalid(unknown[0], 'Extra inputs are not permitted');
}

function findBadValue(all: Values): Fault | null {
  const rules: readonly (readonly [name: string, pattern: RegExp])[] = [
    ['language', /^\w{2}$/],
    ['temperature', /^\d+(\.\d+)?$/],
    ['stream', /^(true|false)$/],
    ['diarize', /^(true|false)$/],
    ['file_url', /^.{1,2083}$/],
    ['timestamp_granularities', /^(segment|word)$/],
  ];
  for (const [name, pattern] of rules) {
    if (all(name).some((value) => !pattern.test(value))) return invalid(name, 'Invalid value');
  }
  const single = ['model', 'language', 'temperature', 'stream', 'diarize'];
  const repeated = single.find((name) => all(name).length > 1);
  return repeated === undefined ? null : invalid(repeated, 'Given more than once');
}

function checkModel(model: string | undefined): Fault | null {
  if (model === undefined) return invalid('model', 'Field required');
  if (MODELS.includes(model)) return null;
  return refused(`Invalid model: ${model}`, { type: 'invalid_model', code: '1500' });
}

function checkSource(hasFile: boolean, all: Values): Fault | null {
  const count = (hasFile ? 1 : 0) + all('file_url').length + all('file_id').length;
  return count === 1 ? null : refused('Exactly one of file, file_url, file_id must be given');
}

function checkCombination(all: Values): Fault | null {
  const granularities = all('timestamp_granularities');
  const isSeries3 = /-3$/.test(all('model')[0] ?? '');
  const bias = all('context_bias');
  if (granularities.includes('word') && isSeries3) {
    return refused('Word timestamps are not supported', { param: 'timestamp_granularities' });
  }
  if (all('diarize')[0] === 'true' && granularities.join() !== 'segment') {
    return refused('diarize needs timestamp_granularities=segment', { param: 'diarize' });
  }
  const form = isSeries3 ? /^[^,]+$/ : /^[^,\s]+$/;
  if (bias.length > 100 || bias.some((item) => !form.test(item))) {
    return invalid('context_bias', 'Invalid context bias');
  }
  return null;
}

function refused(
  message: string,
  more: { type?: string; code?: string; param?: string } = {},
): Fault {
  const { type = 'invalid_request_error', code = null, param = null } = more;
  return {
    status: 400,
    body: { object: 'error', message, type, param, code, raw_status_code: 400 },
  };
}

function invalid(name: string, msg: string): Fault {
  return { status: 422, body: { detail: [{ type: 'value_error', loc: ['body', name], msg }] } };
}
