/** One attempt at one backend: let through by its breaker, asked, and its breaker told what came of it. */

import type { Mistral, MistralWork } from '#edge-worker/backends/mistral.ts';
import type { Origins, OriginWork } from '#edge-worker/backends/origin-work.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import type { SttError } from '#shared/errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { MISTRAL_BACKEND } from '#shared/routing/backend-states.ts';
import type { BreakerBoard } from '#shared/routing/breaker-board.ts';
import type { BreakerOutcome } from '#shared/routing/circuit-breaker.ts';
import type { Attempt, AttemptFailure } from '#shared/routing/try-in-order.ts';

/** What a backend gave. */
export type BackendAnswer =
  | { readonly kind: 'transcript'; readonly transcript: AnyTranscript }
  | { readonly kind: 'response'; readonly response: Response };

/** What a backend failed of. */
export interface BackendFailure {
  readonly error: SttError;
  /** An origin's own words, for a caller whom no other backend can help. */
  readonly response: Response | null;
}

export type BackendResult = Result<BackendAnswer, AttemptFailure<BackendFailure>>;

export interface AskOptions {
  readonly pool: Origins;
  readonly mistral: Mistral | null;
  readonly breakers: BreakerBoard;
  readonly afterwards: (work: Promise<unknown>) => void;
  /** Told which machines of a backend were asked. */
  readonly onMachines: (backend: string, tried: readonly Attempt[]) => void;
}

/** The work in the words of either backend. Made when the backend is asked. */
export interface AskedWork {
  forOrigins(backend: string, signal: AbortSignal): OriginWork;
  forMistral(signal: AbortSignal): MistralWork;
}

/** Makes the attempts. What one throws is thrown on, after its breaker was told that it means nothing. */
export function backendAsker(work: AskedWork, options: AskOptions) {
  return async function ask(
    { backend }: { readonly backend: string },
    signal: AbortSignal,
  ): Promise<BackendResult> {
    const { permit, retryAfterMs } = await options.breakers.admit(backend);
    if (permit === null) return refused(backend, retryAfterMs);
    let outcome: BreakerOutcome = { kind: 'neutral' };
    try {
      const isMistral = backend === MISTRAL_BACKEND;
      const asked = isMistral
        ? await askMistral(work.forMistral(signal), options)
        : await askOrigins(backend, work.forOrigins(backend, signal), options);
      outcome = asked.outcome;
      return asked.result;
    } finally {
      options.afterwards(options.breakers.report(backend, permit, outcome));
    }
  };
}

interface Asked {
  readonly result: BackendResult;
  readonly outcome: BreakerOutcome;
}

async function askMistral(work: MistralWork, { mistral }: AskOptions): Promise<Asked> {
  if (mistral === null) throw new TypeError('routing chose a backend that is not set up');
  const { result, outcome } = await mistral.transcribe(work);
  if (result.ok) return { result: ok({ kind: 'transcript', transcript: result.value }), outcome };
  const error = { error: result.error.error, response: null };
  return { result: fail({ ...result.error, error }), outcome };
}

async function askOrigins(
  backend: string,
  work: OriginWork,
  { pool, onMachines }: AskOptions,
): Promise<Asked> {
  const asked = await pool.transcribe(work);
  const { tried, response } = asked.ok ? asked.value : asked.error;
  onMachines(backend, tried);
  const code = tried.at(-1)?.code ?? 'backend_unavailable';
  if (asked.ok && asked.value.response.ok) {
    const answer = { kind: 'response', response: withoutRoute(asked.value.response) } as const;
    return { result: ok(answer), outcome: { kind: 'success' } };
  }
  const error: SttError = asked.ok ? { kind: 'internal' } : asked.error.error;
  const isCallersFault = asked.ok && asked.value.response.status < 500;
  const seconds = Number(response?.headers.get('Retry-After') ?? Number.NaN);
  const failure: AttemptFailure<BackendFailure> = {
    error: { error, response },
    move: isCallersFault ? 'final' : 'next',
    code,
    ...(Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
  };
  // Whoever refuses or is busy is well; an answer of its own that says "broken", or none at all, counts.
  const isBroken = response === null || (asked.ok && !isCallersFault);
  return { result: fail(failure), outcome: { kind: isBroken ? 'failure' : 'neutral' } };
}

/** Which way it took at the origin is part of the way that the edge tells. */
function withoutRoute(response: Response): Response {
  if (!response.headers.has('x-mana-route')) return response;
  const headers = new Headers(response.headers);
  headers.delete('x-mana-route');
  return new Response(response.body, { status: response.status, headers });
}

function refused(backend: string, retryAfterMs: number): BackendResult {
  const retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const explanation = `The backend "${backend}" failed too often just now.`;
  const error: SttError = { kind: 'no_backend', explanation, retryAfterSeconds };
  return fail({
    error: { error, response: null },
    move: 'next',
    code: 'circuit_open',
    retryAfterSeconds,
  });
}
