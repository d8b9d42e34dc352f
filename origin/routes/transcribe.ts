/** `POST /transcribe`: take a place → receive the form → wait for a slot → transcribe → answer. */
import type { Context, Handler } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import { countTranscript, waitForSlot } from '#origin/routes/account.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { readDemand, receiveForm } from '#origin/routes/receive-form.ts';
import type { Upload } from '#origin/routes/upload.ts';
import type { TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { TranscribeOptions, Transcript } from '#shared/contracts/transcript.ts';
import { formatTranscript } from '#shared/format/format-transcript.ts';

type OriginContext = Context<OriginEnv>;

/** Makes the handler. */
export function transcribeRoute(deps: OriginDependencies): Handler<OriginEnv> {
  return async function transcribe(c) {
    const startedMs = deps.now();
    const place = deps.admission.enter();
    deps.metrics.setQueue(deps.admission.counts());
    try {
      const { transcript, options, format } = await runInPlace(c, deps, place);
      const latencyMs = deps.now() - startedMs;
      const context = { requestId: c.get('requestId'), latencyMs, task: options.task };
      const { body, headers } = formatTranscript(transcript, format, context);
      return c.body(body, 200, headers);
    } catch (error) {
      deps.metrics.countFailure(c.get('facts').model ?? 'unknown');
      throw error;
    } finally {
      place.leave();
      deps.metrics.setQueue(deps.admission.counts());
    }
  };
}

async function runInPlace(
  c: OriginContext,
  deps: OriginDependencies,
  place: Place,
): Promise<TranscribeDemand & { transcript: Transcript }> {
  const upload = await receiveForm(c, deps, { spoolDir: deps.config.spoolDir });
  try {
    const demand = readDemand(upload, deps);
    const { options } = demand;
    c.get('facts').model = options.model ?? deps.transcriber.models().defaultWhisper;
    await waitForSlot(c, deps, place);
    return { ...demand, transcript: await work(c, deps, { upload, options }) };
  } finally {
    await upload.remove();
  }
}

async function work(
  c: OriginContext,
  deps: OriginDependencies,
  job: { upload: Upload; options: TranscribeOptions },
): Promise<Transcript> {
  const startedMs = deps.now();
  const { path, fileName } = job.upload;
  const trace = c.get('trace');
  const transcript = await deps.transcriber.transcribe({
    path,
    ...(fileName !== undefined && { fileName }),
    options: job.options,
    requestId: c.get('requestId'),
    signal: c.req.raw.signal,
    ...(trace !== undefined && { onStage: trace.part }),
  });
  countTranscript(c, deps, { transcript, workMs: deps.now() - startedMs });
  return transcript;
}
