/** Asks one backend after the other until one answers, and keeps a record of who was asked and what came of it. */
import { type After, abortAfter, untilAborted } from '#shared/abort-after.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** What an attempt failed of, and where that leaves the request. */
export interface AttemptFailure<Failure> {
  readonly error: Failure;
  /**
   * `final`: any backend would say so, as it is the caller's fault. `next`: another backend may do better. `again`: the
   * same one may be asked once more, since it surely did nothing yet.
   */
  readonly move: 'final' | 'next' | 'again';
  /** A short name for headers and logs: letters, digits, `-` and `_`. */
  readonly code: string;
  readonly retryAfterSeconds?: number;
}

export interface TryOptions {
  readonly now: () => number;
  /** For all attempts together, in milliseconds from now. */
  readonly timeoutMs: number;
  /** Of the caller: when it is gone, so is the reason to go on. */
  readonly signal?: AbortSignal;
  /** How often a backend that said `again` is asked again; default 0, never. */
  readonly retriesPerBackend?: number;
  /** Asked before every attempt but the first: can the recording be sent once more? Default: yes. */
  readonly canRepeat?: () => boolean;
  /** Told of each attempt as it ends: for circuit breakers and metrics. */
  readonly onAttempt?: (attempt: Attempt) => void;
  readonly after?: After;
}

/** One entry of the record. */
export interface Attempt {
  readonly backend: string;
  /** `ok`, or the failure's code; `timeout` and `aborted` when it was cut off. */
  readonly code: string;
  readonly outcome: 'ok' | 'final' | 'next' | 'again' | 'timeout' | 'aborted';
  readonly tookMs: number;
  readonly retryAfterSeconds?: number;
}

export interface Answered<Value> {
  readonly value: Value;
  readonly backend: string;
  readonly tried: readonly Attempt[];
}

/** `exhausted` carries the last error, and the shortest wait that any backend asked for. */
export type TryFailure<Failure> =
  | { readonly kind: 'no_backend'; readonly tried: readonly Attempt[] }
  | { readonly kind: 'final'; readonly error: Failure; readonly tried: readonly Attempt[] }
  | {
      readonly kind: 'exhausted';
      readonly error: Failure;
      readonly retryAfterSeconds: number | null;
      readonly tried: readonly Attempt[];
    }
  | { readonly kind: 'timeout'; readonly tried: readonly Attempt[] }
  | { readonly kind: 'aborted'; readonly tried: readonly Attempt[] };

/**
 * Tries the candidates in their order. `attempt` must heed its signal; whether it does or not, nobody waits for it once
 * the time is over or the caller is gone. What `attempt` throws is a fault of the program and is thrown on.
 */
export async function tryInOrder<Candidate extends { readonly backend: string }, Value, Failure>(
  candidates: readonly Candidate[],
  attempt: (
    candidate: Candidate,
    signal: AbortSignal,
  ) => Promise<Result<Value, AttemptFailure<Failure>>>,
  options: TryOptions,
): Promise<Result<Answered<Value>, TryFailure<Failure>>> {
  const limit = abortAfter(options.timeoutMs, options.signal, options.after);
  const tried: Attempt[] = [];
  let last: AttemptFailure<Failure> | null = null;
  try {
    for (const candidate of listTurns(candidates, options.retriesPerBackend ?? 0)) {
      if (limit.signal.aborted) return fail({ kind: cutKind(limit.hasExpired()), tried });
      if (isSkipped(candidate.backend, tried)) continue;
      if (tried.length > 0 && options.canRepeat?.() === false) break;
      const run = () => attempt(candidate, limit.signal);
      const result = await timeAttempt(candidate.backend, run, limit, { tried, options });
      if (result === null) return fail({ kind: cutKind(limit.hasExpired()), tried });
      if (result.ok) return ok({ value: result.value, backend: candidate.backend, tried });
      last = result.error;
      if (last.move === 'final') return fail({ kind: 'final', error: last.error, tried });
    }
  } finally {
    limit.dispose();
  }
  if (last === null) return fail({ kind: 'no_backend', tried });
  const retryAfterSeconds = shortestWait(tried);
  return fail({ kind: 'exhausted', error: last.error, retryAfterSeconds, tried });
}

/** Each candidate as often as it may be asked, in a row. */
function* listTurns<Candidate>(candidates: readonly Candidate[], retries: number) {
  for (const candidate of candidates) {
    for (let turn = 0; turn <= retries; turn += 1) yield candidate;
  }
}

/** Asked before, and it gave no leave to be asked again. */
function isSkipped(backend: string, tried: readonly Attempt[]): boolean {
  const last = tried.findLast((attempt) => attempt.backend === backend);
  return last !== undefined && last.outcome !== 'again';
}

/** @returns null when the attempt was cut off. */
async function timeAttempt<Value, Failure>(
  backend: string,
  run: () => Promise<Result<Value, AttemptFailure<Failure>>>,
  limit: { readonly signal: AbortSignal; hasExpired(): boolean },
  { tried, options }: { tried: Attempt[]; options: TryOptions },
): Promise<Result<Value, AttemptFailure<Failure>> | null> {
  const startMs = options.now();
  const note = (entry: Omit<Attempt, 'backend' | 'tookMs'>) => {
    const attempt = { backend, tookMs: Math.max(0, options.now() - startMs), ...entry };
    tried.push(attempt);
    options.onAttempt?.(attempt);
  };
  try {
    const result = await untilAborted(run(), limit.signal);
    note(result.ok ? { code: 'ok', outcome: 'ok' } : toEntry(result.error));
    return result;
  } catch (thrown) {
    if (!limit.signal.aborted) throw thrown;
    const kind = cutKind(limit.hasExpired());
    note({ code: kind, outcome: kind });
    return null;
  }
}

function toEntry({ code, move, retryAfterSeconds }: AttemptFailure<unknown>) {
  return { code, outcome: move, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

function cutKind(hasExpired: boolean): 'timeout' | 'aborted' {
  return hasExpired ? 'timeout' : 'aborted';
}

function shortestWait(tried: readonly Attempt[]): number | null {
  const waits = tried.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  return waits.length === 0 ? null : Math.min(...waits);
}
