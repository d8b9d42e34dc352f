/** What came of the attempts → the answer for the caller. */
import type { BackendAnswer, BackendFailure } from '#edge-worker/routes/ask-backends.ts';
import type { ResponseContext } from '#shared/contracts/transcription.ts';
import { formatTranscript, toWarningsHeader } from '#shared/format/format-transcript.ts';
import { explainFailedRoute } from '#shared/routing/failed-route.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';
import type { TryFailure } from '#shared/routing/try-in-order.ts';

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

/** The error for a caller whose request nobody could answer. */
export function toFailure(failure: TryFailure<BackendFailure>, limitMs: number): BackendFailure {
  const why = explainFailedRoute(failure, limitMs);
  return 'ofBackend' in why ? why.ofBackend : { error: why.ofRoute, response: null };
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

function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : null;
  } catch {
    return null;
  }
}
