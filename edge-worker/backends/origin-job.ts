/**
 * One recording at one origin: submitted as a job, then asked for by long polls until its answer is there. No request
 * is silent for long, so nothing between here and there ends it, and a line that was cut is simply asked again.
 */
import type { OriginClient } from '#edge-worker/backends/origin.ts';
import type { OriginWork } from '#edge-worker/backends/origin-work.ts';
import { SttException } from '#shared/errors.ts';

/** What became of a recording that was offered. */
export type Submission =
  | { readonly kind: 'accepted'; readonly jobId: string }
  /** The origin says no, for a reason of its own or of the caller's. */
  | { readonly kind: 'refused'; readonly response: Response }
  /** It cannot be reached: whether it has the recording is not known. */
  | { readonly kind: 'unreachable'; readonly cause: SttException };

/** How the work on a job ended. */
export type JobEnd =
  | { readonly kind: 'answered'; readonly response: Response }
  /** The origin has forgotten it. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'unreachable'; readonly cause: SttException };

export interface JobTimes {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Longest time that an origin may take no byte of an upload, or not answer when it has all. */
  readonly submitStallMs: number;
  /** Longest time without an answer of an origin that has the recording. */
  readonly outageMs: number;
}

/** A job as the origin keeps it, and whose it is. */
export interface JobRef {
  readonly origin: OriginClient;
  readonly work: OriginWork;
  readonly jobId: string;
}

/**
 * Sends the recording.
 * @param idempotencyKey the same at each try, so that a lost answer makes no second job
 * @throws SttException what is wrong with the upload itself, or client_gone
 */
export async function submitJob(
  origin: OriginClient,
  work: OriginWork,
  idempotencyKey: string,
  times: JobTimes,
): Promise<Submission> {
  const { body, headers, requestId, principal, route } = work;
  const stream = await body.open();
  const stall = watchStall(work, times);
  try {
    const response = await origin.call({
      method: 'POST',
      path: route === undefined ? '/jobs' : `/jobs?route=${route}`,
      headers,
      requestId,
      principal,
      body: { stream, contentType: body.contentType, sizeBytes: body.sizeBytes },
      extra: { 'Idempotency-Key': idempotencyKey, Prefer: 'wait' },
      signal: AbortSignal.any([work.signal, stall.signal]),
    });
    const jobId = response.status === 202 ? readJobId(response) : null;
    // Of a body that broke off, even an answer says nothing; of a whole one, the answer counts whatever came after.
    const fault = body.fault();
    if (fault !== null) throw fault;
    if (response.status !== 202) return { kind: 'refused', response: await readWhole(response) };
    await response.body?.cancel();
    if (jobId !== null) return { kind: 'accepted', jobId };
    return { kind: 'unreachable', cause: brokenAnswer(origin) };
  } catch (error) {
    return { kind: 'unreachable', cause: toUnavailable(body.fault() ?? error, origin, work) };
  } finally {
    stall.end();
  }
}

/** Waits for the job's end. @throws SttException client_gone */
export async function awaitJob({ origin, work, jobId }: JobRef, times: JobTimes): Promise<JobEnd> {
  const { headers, requestId, principal } = work;
  let lastContactMs = times.now();
  for (let failures = 0; ; ) {
    const startedMs = times.now();
    try {
      const response = await origin.call({
        method: 'GET',
        path: `/jobs/${jobId}/result?wait=${POLL_SECONDS}`,
        headers,
        requestId,
        principal,
        signal: AbortSignal.any([work.signal, AbortSignal.timeout(POLL_TIMEOUT_MS)]),
      });
      const answer = await readWhole(response);
      const state = await readState(answer);
      if (state === 'ended') return { kind: 'answered', response: answer };
      if (state === 'lost') return { kind: 'lost' };
      failures = 0;
      lastContactMs = times.now();
      // An origin that goes down answers at once: it is not to be asked as often as it can say so.
      await times.delay(Math.max(0, MIN_POLL_MS - (lastContactMs - startedMs)), work.signal);
    } catch (error) {
      const cause = toUnavailable(error, origin, work);
      failures += 1;
      if (times.now() - lastContactMs >= times.outageMs) return { kind: 'unreachable', cause };
      await times.delay(backoffMs(failures), work.signal);
    }
  }
}

/** Takes the work back, or lets the origin forget what was delivered. Never fails. */
export async function dropJob({ origin, work, jobId }: JobRef): Promise<void> {
  try {
    const response = await origin.call({
      method: 'DELETE',
      path: `/jobs/${jobId}`,
      headers: work.headers,
      requestId: work.requestId,
      principal: work.principal,
      signal: AbortSignal.timeout(DROP_TIMEOUT_MS),
    });
    await response.body?.cancel();
  } catch {
    // Then it is forgotten when its time is over.
  }
}

/** Before the n-th try again, n from 1: from a quarter of a second to 5 s. */
export function backoffMs(failures: number): number {
  return Math.min(5000, 250 * 2 ** Math.min(failures - 1, 10));
}

/** Well under the 100 s after which Cloudflare ends a request that is silent. */
const POLL_SECONDS = 25;
const POLL_TIMEOUT_MS = 40_000;
const MIN_POLL_MS = 500;
const DROP_TIMEOUT_MS = 10_000;
/** Hours of speech with every word's time are some megabytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const STALL_CHECK_MS = 1000;

/** Breaks the call off when the origin does nothing with what lies before it, or the upload has a fault. */
function watchStall({ body, signal }: OriginWork, { now, submitStallMs }: JobTimes) {
  const stop = new AbortController();
  const startedMs = now();
  // A body that does not tell whom it waits for: by its size, at a rate that any tunnel has.
  const wholeMs = submitStallMs + (body.sizeBytes ?? 0) / SLOWEST_BYTES_PER_MS;
  const timer = setInterval(() => {
    const sinceMs = body.waitingSinceMs?.();
    const isStalled =
      sinceMs === undefined
        ? now() - startedMs > wholeMs
        : sinceMs !== null && now() - sinceMs > submitStallMs;
    if (isStalled || body.fault() !== null) stop.abort(new Error('the upload does not go on'));
  }, STALL_CHECK_MS);
  const end = () => clearInterval(timer);
  signal.addEventListener('abort', end, { once: true });
  return { signal: stop.signal, end };
}

const SLOWEST_BYTES_PER_MS = 256;

/** `/jobs/ID`, as the origin answers with 202. */
function readJobId(response: Response): string | null {
  return /^\/jobs\/([\w-]{1,64})$/.exec(response.headers.get('Location') ?? '')?.[1] ?? null;
}

/** The whole answer in memory, so that a line that is cut now is asked again and not the caller's trouble. */
async function readWhole(response: Response): Promise<Response> {
  const announced = Number(response.headers.get('Content-Length') ?? 0);
  if (announced > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  const { status, headers } = response;
  return new Response(bytes === 0 ? null : concat(chunks, bytes), { status, headers });
}

function concat(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

async function readState(answer: Response): Promise<'ended' | 'unfinished' | 'lost'> {
  if (answer.ok) return 'ended';
  switch (await readErrorCode(answer)) {
    case 'job_unfinished':
    case 'shutting_down':
      return 'unfinished';
    case 'unknown_job':
      return 'lost';
    default:
      return 'ended';
  }
}

/** The `code` of an origin's error, without using its body up; null for anything else. */
export async function readErrorCode(response: Response): Promise<string | null> {
  try {
    const body: unknown = await response.clone().json();
    const code = typeof body === 'object' && body !== null ? Reflect.get(body, 'code') : null;
    return typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? code : null;
  } catch {
    return null;
  }
}

/** @throws SttException whatever is no fault of the origin's: the upload's own, or client_gone */
function toUnavailable(error: unknown, origin: OriginClient, work: OriginWork): SttException {
  if (error === work.body.fault()) throw error;
  if (work.signal.aborted) throw new SttException({ kind: 'client_gone' }, { cause: error });
  if (error instanceof SttException && error.error.kind === 'backend_unavailable') return error;
  const { name: backend } = origin;
  return new SttException(
    { kind: 'backend_unavailable', backend, problem: 'unreachable' },
    { cause: error },
  );
}

function brokenAnswer({ name: backend }: OriginClient): SttException {
  const error = { kind: 'backend_unavailable', backend, problem: 'broken_answer' } as const;
  return new SttException(error, { cause: new Error('202 without a job') });
}
