/**
 * A refusal of Mistral → `MistralFailure`. Its body is only looked at to tell kinds apart; not a word of it is kept,
 * since it may hold anything, our key included.
 */
import { readText } from '#shared/mistral/bounded-body.ts';
import type { CallerField, MistralFailure } from '#shared/mistral/failure.ts';

export async function readFailure(
  response: Response,
  signal: AbortSignal,
  nowMs: number,
): Promise<MistralFailure> {
  const { status } = response;
  const retryAfterSeconds = readRetryAfter(response.headers.get('retry-after'), nowMs);
  switch (status) {
    case 401:
    case 402:
    case 403:
      return { kind: 'misconfigured', status };
    case 413:
      return { kind: 'too_large' };
    case 415:
      return { kind: 'unreadable_audio' };
    case 429:
      return { kind: 'rate_limited', retryAfterSeconds };
    case 400:
    case 404:
    case 422:
      return classify(status, await readText(response, MAX_ERROR_BYTES, signal));
    default:
      if (status > 404 && status < 500 && status !== 408) return { kind: 'refused', status };
      return { kind: 'upstream_error', status, retryAfterSeconds };
  }
}

/**
 * Seconds of a `Retry-After`, which is a number or a date; null without a sensible one. At most an hour, so that no
 * upstream can shut a door for longer.
 */
export function readRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null || header.length > 64) return null;
  const written = header.trim();
  const seconds = /^\d+$/.test(written) ? Number(written) : (Date.parse(written) - nowMs) / 1000;
  if (!Number.isFinite(seconds)) return null;
  return Math.min(3600, Math.max(0, Math.ceil(seconds)));
}

const MAX_ERROR_BYTES = 16_384;

function classify(status: number, text: string | null): MistralFailure {
  const body = text ?? '';
  if (/invalid[_ ]model|"code"\s*:\s*"?1500\b/i.test(body)) return { kind: 'unknown_model' };
  const field = findField(body);
  if (isCallerField(field)) return { kind: 'bad_field', field };
  if (field !== null && field !== 'file') return { kind: 'refused', status };
  if (/too long|duration|longer than|context (length|window|size)|max\w* length/i.test(body)) {
    return { kind: 'too_long' };
  }
  if (field === 'file' || /audio|decod|codec|corrupt/i.test(body)) {
    return { kind: 'unreadable_audio' };
  }
  return { kind: 'refused', status };
}

/** The field that a refusal names, as `param` (400) or as the end of `loc` (422). */
function findField(body: string): string | null {
  const param = /"param"\s*:\s*"(\w{1,40})"/.exec(body);
  const loc = /"loc"\s*:\s*\[\s*"body"\s*,\s*"(\w{1,40})"/.exec(body);
  return param?.[1] ?? loc?.[1] ?? null;
}

function isCallerField(field: string | null): field is CallerField {
  return field === 'language' || field === 'temperature';
}
