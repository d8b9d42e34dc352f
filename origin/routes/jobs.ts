/** `/jobs`: recordings that are worked on whether the client waits or not. */
import type { Context, Handler } from 'hono';
import type { JobNews, Jobs } from '#origin/jobs/jobs.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { readDemand, readRoutedDemand, receiveForm } from '#origin/routes/receive-form.ts';
import { toStorageError } from '#origin/routes/storage-error.ts';
import type { Upload } from '#origin/routes/upload.ts';
import {
  type JobResponse,
  JobRoute,
  PREFER_WAIT,
  prefersWait,
  toJobResponse,
} from '#shared/contracts/jobs.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import { SttException } from '#shared/errors.ts';

type OriginContext = Context<OriginEnv>;

/** The handlers by what they do. */
export interface JobRoutes {
  readonly submit: Handler<OriginEnv>;
  readonly look: Handler<OriginEnv>;
  readonly result: Handler<OriginEnv>;
  readonly cancel: Handler<OriginEnv>;
}

/** Makes the handlers. */
export function jobRoutes(deps: OriginDependencies, jobs: Jobs): JobRoutes {
  const principalOf = deps.principalId ?? ((c: OriginContext) => c.get('principal').id);
  return {
    submit: async (c) => {
      const { id, isRepeated } = await submit(c, { deps, jobs, principalId: principalOf(c) });
      c.header('Location', `/jobs/${id}`);
      if (isRepeated) c.header('Idempotency-Replayed', 'true');
      const news = await jobs.look(id, principalOf(c));
      return c.json(describe(c, news), 202);
    },
    look: async (c) => {
      const news = await jobs.look(jobId(c), principalOf(c), waitOf(c));
      return c.json(describe(c, news));
    },
    result: async (c) => {
      const { body, headers } = await jobs.result(jobId(c), principalOf(c), waitOf(c));
      return c.body(body, 200, headers);
    },
    cancel: async (c) => {
      const news = await jobs.cancel(jobId(c), principalOf(c));
      return news === null ? c.body(null, 204) : c.json(describe(c, news));
    },
  };
}

const MAX_WAIT_SECONDS = 30;

interface SubmitTools {
  readonly deps: OriginDependencies;
  readonly jobs: Jobs;
  readonly principalId: string;
}

async function submit(c: OriginContext, { deps, jobs, principalId }: SubmitTools) {
  const idempotencyKey = readIdempotencyKey(c);
  const isAwaited = prefersWait(c.req.header('prefer'));
  if (isAwaited) c.header('Preference-Applied', PREFER_WAIT);
  const route = readRoute(c, deps);
  const origin = { principalId, requestId: c.get('requestId'), idempotencyKey, isAwaited, route };
  const announced = Number(c.req.header('content-length') ?? Number.NaN);
  const room = jobs.reserve(announced >= 0 ? announced : null, origin);
  try {
    const spoolDir = jobs.incomingDir;
    const isDigested = idempotencyKey !== null;
    const upload = await receiveForm(c, deps, { spoolDir, isDigested });
    try {
      room.resize(upload.sizeBytes);
      c.get('facts').model = checkForm(upload, route, deps);
      return await jobs.submit(upload, origin).catch((cause: unknown) => {
        throw cause instanceof SttException ? cause : toStorageError(cause);
      });
    } finally {
      await upload.remove();
    }
  } finally {
    room.release();
  }
}

/**
 * Faults of the form are told before it becomes a job.
 * @returns the model, for the log
 */
function checkForm(upload: Upload, route: JobRoute, deps: OriginDependencies): string {
  const { transcriber, backends } = deps;
  const { whisper, defaultWhisper } = transcriber.models();
  if (route === 'whisper' || backends === undefined) {
    return readDemand(upload, deps).options.model ?? defaultWhisper;
  }
  const { options } = readRoutedDemand(upload, route, { whisper, ...backends.models });
  return options.model ?? route;
}

function readRoute(c: OriginContext, { backends }: OriginDependencies): JobRoute {
  const route = JobRoute.safeParse(c.req.query('route') ?? 'whisper');
  if (route.success && (route.data === 'whisper' || backends !== undefined)) return route.data;
  const names = backends === undefined ? 'whisper' : JobRoute.options.join(', ');
  const message = `write one of: ${names}.`;
  throw new SttException({ kind: 'invalid_parameter', name: 'route', message });
}

function describe(c: OriginContext, { view, error }: JobNews): JobResponse {
  const context = { requestId: view.requestId, accept: c.req.header('accept') };
  return toJobResponse(view, error === null ? null : errorToWire(error, context).body);
}

function jobId(c: OriginContext): string {
  return c.req.param('id') ?? '';
}

function waitOf(c: OriginContext): { seconds: number; signal: AbortSignal } {
  const text = c.req.query('wait') ?? '0';
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_WAIT_SECONDS)) {
    const message = `write the seconds to wait, a number from 0 to ${MAX_WAIT_SECONDS}.`;
    throw new SttException({ kind: 'invalid_parameter', name: 'wait', message });
  }
  return { seconds, signal: c.req.raw.signal };
}

function readIdempotencyKey(c: OriginContext): string | null {
  const key = c.req.header('idempotency-key')?.trim();
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    const message = 'write 1 to 200 printable ASCII characters without spaces.';
    throw new SttException({ kind: 'invalid_parameter', name: 'Idempotency-Key', message });
  }
  return key;
}
