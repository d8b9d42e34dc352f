/** All origins as one backend: each recording goes to one with room, to the next where that one cannot take it. */
import type { OriginClient } from '#edge-worker/backends/origin.ts';
import {
  awaitJob,
  backoffMs,
  dropJob,
  type JobRef,
  type JobTimes,
  readErrorCode,
  submitJob,
} from '#edge-worker/backends/origin-job.ts';
import type { OriginWatch } from '#edge-worker/backends/origin-watch.ts';
import type {
  OriginAnswer,
  OriginFailure,
  Origins,
  OriginWork,
} from '#edge-worker/backends/origin-work.ts';
import { type SttError, SttException } from '#shared/errors.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { VOXTRAL_BACKEND, WHISPER_BACKEND } from '#shared/routing/backend-states.ts';
import { chooseOrigins, type OriginState } from '#shared/routing/choose-origin.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/** An origin, and whether its operator empties it. */
export interface PooledOrigin {
  readonly client: OriginClient;
  readonly isDraining: boolean;
}

export interface PoolOptions {
  readonly origins: readonly PooledOrigin[];
  readonly watch: OriginWatch;
  readonly times: PoolTimes;
  readonly randomId: () => string;
}

/** In milliseconds. */
export interface PoolTimes extends JobTimes {
  /** As `outageMs`, where another origin or backend could do the work instead. */
  readonly failoverMs: number;
}

export const DEFAULT_POOL_TIMES = {
  submitStallMs: 30_000,
  outageMs: 600_000,
  failoverMs: 60_000,
} as const;

export class OriginPool implements Origins {
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async look(requestId: string): Promise<readonly OriginState[]> {
    await this.#options.watch.look(requestId);
    return this.#glance();
  }

  /**
   * Until an origin has answered, or nobody takes the recording and the caller's patience is over.
   * @throws SttException what is wrong with the upload itself, or client_gone
   */
  async transcribe(work: OriginWork): Promise<Result<OriginAnswer, OriginFailure>> {
    const end = Promise.withResolvers<void>();
    // The runtime drops a request whose client has left, unless something was to come afterwards: here, taking back.
    work.afterwards(end.promise);
    try {
      return await this.#offer(work);
    } finally {
      end.resolve();
    }
  }

  async #offer(work: OriginWork): Promise<Result<OriginAnswer, OriginFailure>> {
    const { times, randomId } = this.#options;
    const own = keyOf(work);
    const ticket = { work, key: own ?? `edge-${randomId()}`, isCallers: own !== null };
    const tried: Attempt[] = [];
    const deadlineMs = times.now() + work.patienceMs;
    for (let round = 1; ; round += 1) {
      const outcome = await this.#askAll(ticket, tried);
      if (outcome.kind === 'answered') return ok({ response: outcome.response, tried });
      const waitMs = backoffMs(round + 1);
      const canGoOn = round <= outcome.moreRounds && work.body.canRepeat?.() !== false;
      const isPatient = canGoOn && times.now() + waitMs < deadlineMs;
      if (!isPatient || this.#isLongGone(work.patienceMs)) return fail({ ...outcome, tried });
      await times.delay(waitMs, work.signal);
    }
  }

  /** One after the other, best first, each once. */
  async #askAll(ticket: Ticket, tried: Attempt[]): Promise<Answered | NobodyTook> {
    let last: NobodyTook | null = null;
    for (const origin of this.#inOrder(ticket)) {
      const startedMs = this.#options.times.now();
      const outcome = await this.#ask(origin, ticket);
      const tookMs = Math.max(0, this.#options.times.now() - startedMs);
      const { code } = outcome;
      const isOk = outcome.kind === 'answered' && outcome.response.ok;
      const failed = outcome.kind === 'answered' ? 'final' : 'next';
      tried.push({
        ...{ backend: `${backendOf(ticket.work)}.${origin.name}`, code, tookMs },
        outcome: isOk ? 'ok' : failed,
      });
      if (outcome.kind === 'answered') return outcome;
      last = outcome;
      if (ticket.work.body.canRepeat?.() === false) break;
    }
    return last ?? nobodyFor(ticket.work);
  }

  async #ask(origin: OriginClient, { work, key, isCallers }: Ticket): Promise<Outcome> {
    const submission = await submitJob(origin, work, key, this.#options.times);
    if (submission.kind === 'unreachable') return unreachable(submission.cause);
    if (submission.kind === 'refused') return judge(submission.response);
    const ref = { origin, work, jobId: submission.jobId };
    const end = await this.#await(ref);
    if (end.kind === 'lost') return unreachable(lostJob(origin));
    if (end.kind === 'unreachable') return unreachable(end.cause);
    // Who brought a key of their own may come back for the same answer.
    if (!isCallers) work.afterwards(dropJob(ref));
    return judge(end.response);
  }

  async #await(ref: JobRef) {
    const { times, origins } = this.#options;
    const hasOthers = origins.filter(({ isDraining }) => !isDraining).length > 1;
    // No patience: another backend would do the work.
    const isUrgent = hasOthers || ref.work.patienceMs === 0;
    const outageMs = isUrgent ? times.failoverMs : times.outageMs;
    try {
      return await awaitJob(ref, { ...times, outageMs });
    } catch (error) {
      if (ref.work.signal.aborted) ref.work.afterwards(dropJob(ref));
      throw error;
    }
  }

  #inOrder({ work, key }: Ticket): readonly OriginClient[] {
    const { origins, watch } = this.#options;
    const clients = origins.map(({ client }) => client);
    const isForVoxtral = work.route === 'voxtral';
    if (clients.length <= 1 && !isForVoxtral) return clients;
    // Nobody waits for news: what was heard last is good enough to choose by.
    if (watch.isDue()) work.afterwards(watch.look(work.requestId));
    const states = this.#glance();
    const names = chooseOrigins(
      key,
      isForVoxtral ? states.filter(({ hasVoxtral }) => hasVoxtral) : states,
    );
    return names.flatMap((name) => clients.find((client) => client.name === name) ?? []);
  }

  #glance(): OriginState[] {
    return this.#options.origins.map(({ client: { name }, isDraining }) => {
      const { view, load, silentSinceMs } = this.#options.watch.glance(name);
      const health = view?.health ?? null;
      return {
        id: name,
        health: silentSinceMs !== null ? 'down' : (health?.status ?? 'unknown'),
        isDraining: isDraining || health?.is_draining === true,
        freeCapacity: load?.freeSlots ?? health?.free_slots ?? null,
        queueLength: load?.waiting ?? health?.queue_waiting ?? 0,
        hasVoxtral: health?.vllm_available === true,
      };
    });
  }

  /** All have been silent for longer than anybody would wait: then the next caller need not wait as long again. */
  #isLongGone(patienceMs: number): boolean {
    const { origins, watch, times } = this.#options;
    return origins.every(({ client: { name } }) => {
      const { silentSinceMs } = watch.glance(name);
      return silentSinceMs !== null && times.now() - silentSinceMs > patienceMs;
    });
  }
}

interface Ticket {
  readonly work: OriginWork;
  readonly key: string;
  /** The caller chose the key. */
  readonly isCallers: boolean;
}

interface Answered {
  readonly kind: 'answered';
  readonly response: Response;
  readonly code: string;
}

interface NobodyTook {
  readonly kind: 'nobody';
  readonly error: SttError;
  readonly cause?: unknown;
  readonly response: Response | null;
  readonly code: string;
  /** How often everyone may be asked again soon: 0 where that cannot help. */
  readonly moreRounds: number;
}

type Outcome = Answered | NobodyTook;

const NOBODY: NobodyTook = {
  kind: 'nobody',
  error: { kind: 'backend_unavailable', backend: 'whisperx', problem: 'unreachable' },
  response: null,
  code: 'backend_unavailable',
  moreRounds: 0,
};

function nobodyFor(work: OriginWork): NobodyTook {
  const backend = backendOf(work);
  return { ...NOBODY, error: { kind: 'backend_unavailable', backend, problem: 'unreachable' } };
}

function backendOf({ route }: OriginWork): string {
  return route === 'voxtral' ? VOXTRAL_BACKEND : WHISPER_BACKEND;
}

/** The caller's. Where Voxtral fails, Whisper may get the same form: that is another job. */
function keyOf({ headers, route }: OriginWork): string | null {
  const own = headers.get('Idempotency-Key');
  if (own === null || route === undefined) return own;
  const key = `${own}.${route}`;
  return key.length <= MAX_KEY_LENGTH ? key : null;
}

/** As origins take it. */
const MAX_KEY_LENGTH = 200;

/** 429 and 503 are about this origin, as is a model that it has not; the rest would be the same everywhere. */
async function judge(response: Response): Promise<Outcome> {
  if (response.ok) return { kind: 'answered', response, code: 'ok' };
  const code = (await readErrorCode(response)) ?? `http_${response.status}`;
  const isOwn = response.status === 429 || response.status === 503 || code === 'unknown_model';
  if (!isOwn) return { kind: 'answered', response, code };
  const moreRounds = code === 'shutting_down' ? Number.POSITIVE_INFINITY : 0;
  return { ...NOBODY, response, code, moreRounds };
}

function unreachable({ error, cause }: SttException): NobodyTook {
  // A key of the edge that an origin does not know stays so; a clock that is behind is forgiven after a moment.
  const isRefused = error.kind === 'backend_unavailable' && error.problem === 'unusable';
  const moreRounds = isRefused ? 2 : Number.POSITIVE_INFINITY;
  return { ...NOBODY, error, cause, code: error.kind, moreRounds };
}

function lostJob({ name: backend }: OriginClient): SttException {
  return new SttException({ kind: 'backend_unavailable', backend, problem: 'broken_answer' });
}
