/** What came of the attempts → the answer for the caller. */
import type { BackendAnswer, BackendFailure } from '#edge-worker/routes/ask-backends.ts';
import type { ResponseContext } from '#shared/contracts/transcription.ts';
import type { SttError } from '#shared/errors.ts';
import { formatTranscript, toWarningsHeader } from '#shared/format/format-transcript.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';
import type { Attempt, TryFailure } from '#shared/routing/try-in-order.ts';

/** The transcript in the format asked for, with the warnings of its way here after its own. */
export async function toResponse(
  answer: BackendAnswer,
  warnings: readonly string[],
  { options, format }: RoutedForm,
  context: ResponseContext,
): Promise<Response> {
  if (answer.kind === 'response') return addWarnings(answer.response, warnings);
  const { transcript } = answer;
  const told = { ...transcript, warnings: [...transcript.warnings, ...warnings] };
  const { body, headers } = formatTranscript(told, format, { ...context, task: options.task });
  return new Response(body, { headers });
}

/** The error for a caller whose request nobody could answer: of a single backend its own, else what all of them said. */
export function toFailure(failure: TryFailure<BackendFailure>, limitMs: number): BackendFailure {
  switch (failure.kind) {
    case 'final':
      return failure.error;
    case 'exhausted': {
      const { error, tried, retryAfterSeconds } = failure;
      const isOnly = new Set(tried.map(({ backend }) => backend)).size <= 1;
      return isOnly ? error : ofOurs(severalFailed(tried, retryAfterSeconds));
    }
    case 'timeout':
      return ofOurs({
        kind: 'timeout',
        doing: 'waiting for a backend',
        limitSeconds: Math.round(limitMs / 1000),
      });
    case 'aborted':
      return ofOurs({ kind: 'client_gone' });
    case 'no_backend':
      return ofOurs({ kind: 'internal' });
  }
}

/** Into the member `warnings` of JSON that has one, else into `X-Warnings`. All else stays as it is. */
async function addWarnings(response: Response, warnings: readonly string[]): Promise<Response> {
  if (warnings.length === 0) return response;
  const { status } = response;
  const headers = new Headers(response.headers);
  let body: BodyInit | null = response.body;
  if (headers.get('Content-Type')?.startsWith('application/json') === true) {
    body = await response.text();
    const json = parseRecord(body);
    if (json !== null && Array.isArray(json['warnings'])) {
      const all = { ...json, warnings: [...json['warnings'], ...warnings] };
      return new Response(JSON.stringify(all), { status, headers });
    }
  }
  const earlier = headers.get('X-Warnings');
  headers.set(
    'X-Warnings',
    toWarningsHeader([...(earlier === null ? [] : [earlier]), ...warnings]),
  );
  return new Response(body, { status, headers });
}

function severalFailed(tried: readonly Attempt[], retryAfterSeconds: number | null): SttError {
  return {
    kind: 'backends_failed',
    tried: tried.map(({ backend, code }) => ({ backend, code })),
    retryAfterSeconds: Math.max(1, retryAfterSeconds ?? RETRY_SECONDS),
  };
}

/** Where none of them says when to come back. */
const RETRY_SECONDS = 10;

function ofOurs(error: SttError): BackendFailure {
  return { error, response: null };
}

function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : null;
  } catch {
    return null;
  }
}
