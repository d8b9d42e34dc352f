/**
 * `POST /transcribe/auto` and `/transcribe/voxtral`: as `POST /transcribe`, but answered by the best backend that the
 * form allows, or by the next one. A slot is waited for when a backend on this machine is asked.
 */
import type { Context, Handler } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import type { Backends } from '#origin/backends/open-backends.ts';
import { answerInPlace, countTranscript, waitForSlot } from '#origin/routes/account.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { readRoutedDemand, receiveForm } from '#origin/routes/receive-form.ts';
import type { Upload } from '#origin/routes/upload.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';

type OriginContext = Context<OriginEnv>;

/** Makes the handler of one of the two. */
export function routedRoute(
  deps: OriginDependencies,
  backends: Backends,
  route: RoutedForm['route'],
): Handler<OriginEnv> {
  return function transcribeRouted(c) {
    return answerInPlace(c, deps, async (place) => {
      const { form, transcript } = await runInPlace(c, { deps, backends, route, place });
      return { transcript, format: form.format, task: form.options.task };
    });
  };
}

interface RouteTools {
  readonly deps: OriginDependencies;
  readonly backends: Backends;
  readonly route: RoutedForm['route'];
  readonly place: Place;
}

async function runInPlace(
  c: OriginContext,
  tools: RouteTools,
): Promise<{ form: RoutedForm; transcript: AnyTranscript }> {
  const { deps, backends, route } = tools;
  const upload = await receiveForm(c, deps, { spoolDir: deps.config.spoolDir });
  try {
    const { whisper } = deps.transcriber.models();
    const form = readRoutedDemand(upload, route, { whisper, ...backends.models });
    return { form, transcript: await transcribe(c, { upload, form }, tools) };
  } finally {
    await upload.remove();
  }
}

async function transcribe(
  c: OriginContext,
  { upload, form }: { readonly upload: Upload; readonly form: RoutedForm },
  { deps, backends, place }: RouteTools,
): Promise<AnyTranscript> {
  const startedMs = deps.now();
  const trace = c.get('trace');
  let slot: Promise<void> | null = null;
  const { path, fileName } = upload;
  const { result, headers, tried } = await backends.transcribe({
    ...{ path, form, requestId: c.get('requestId'), signal: c.req.raw.signal },
    ...(fileName !== undefined && { fileName }),
    ...(trace !== undefined && { onStage: trace.part }),
    untilSlot: () => {
      slot ??= waitForSlot(c, deps, place);
      return slot;
    },
    load: () => {
      // This request is one of those that wait.
      const waiting = Math.max(0, deps.admission.counts().waiting - 1);
      return { freeSlots: deps.admission.freeSlots(), waiting };
    },
  });
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  const attempts = tried.map(({ backend, code }) => `${backend}=${code}`).join(', ');
  const backend = headers['x-mana-backend'];
  Object.assign(c.get('facts'), { tried: attempts, ...(backend !== undefined && { backend }) });
  if (!result.ok) throw new SttException(result.error);
  const queueMs = c.get('facts').queueMs ?? 0;
  const workMs = deps.now() - startedMs - queueMs;
  countTranscript(c, deps, { transcript: result.value, workMs });
  return result.value;
}
