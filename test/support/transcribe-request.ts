/** `POST /transcribe` as a client sends it, and the checks that every good answer must pass. */
import { openAsBlob, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { errorRate, wordErrors } from '#test/support/wer.ts';

export const FIXTURES = join(import.meta.dirname, '../fixtures');

export type Fields = Readonly<Record<string, string>>;

export interface Target {
  readonly url: string;
}

/** A recording under test/fixtures, or any other by its absolute path, as an upload. */
export async function recording(path: string): Promise<File> {
  const blob = await openAsBlob(path.startsWith('/') ? path : join(FIXTURES, path));
  return new File([blob], basename(path));
}

/** Sends a form; `route` is /transcribe unless told otherwise. */
export async function post(
  target: Target,
  file: File,
  options: { fields?: Fields; route?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  const form = new FormData();
  form.append('file', file);
  for (const [name, value] of Object.entries(options.fields ?? {})) form.append(name, value);
  const { signal, route = '/transcribe' } = options;
  return fetch(`${target.url}${route}`, { method: 'POST', body: form, ...(signal && { signal }) });
}

/** Sends a recording, expects 200, and holds the answer against the contract. */
export async function transcribe(
  target: Target,
  file: File | string,
  fields: Fields = {},
  route = '/transcribe',
): Promise<TranscriptionResponse> {
  const upload = typeof file === 'string' ? await recording(file) : file;
  const response = await post(target, upload, { fields, route });
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  const answer = TranscriptionResponse.strict().parse(body);
  expectSoundTimes(answer);
  return answer;
}

/** Words and segments in order and inside the recording, the text neither longer nor shorter than they are. */
function expectSoundTimes(answer: TranscriptionResponse): void {
  const { words, segments, duration_seconds: duration, text } = answer;
  for (const parts of [words ?? [], segments ?? []]) {
    let latest = 0;
    for (const { start, end } of parts) {
      expect(start).toBeGreaterThanOrEqual(latest);
      expect(end).toBeGreaterThanOrEqual(start);
      expect(end).toBeLessThanOrEqual(duration);
      latest = start;
    }
  }
  expect(segments?.map((segment) => segment.text).join(' ')).toBe(text);
  if (words !== null) expect(words.map(({ word }) => word).join(' ')).toBe(text);
  for (const { score } of words ?? []) {
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThanOrEqual(1);
  }
}

interface Reference {
  readonly text: string;
  readonly language: string;
}

const MANIFEST: Readonly<Record<string, Reference>> = JSON.parse(
  readFileSync(join(FIXTURES, 'manifest.json'), 'utf8'),
);

/** Word error rate of an answer against the text that was read for this fixture. */
export function errorRateOf(name: string, answer: TranscriptionResponse): number {
  const reference = MANIFEST[name];
  if (reference === undefined) throw new Error(`test/fixtures/manifest.json has no ${name}`);
  return errorRate([wordErrors(reference.text, answer.text, reference.language)]);
}
