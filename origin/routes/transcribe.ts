/** `POST /transcribe`: take a place → receive the form → wait for a slot → transcribe → answer. */
import type { Context, Handler } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import { answerInPlace, countTranscript, waitForSlot } from '#origin/routes/account.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { readDemand, receiveForm } from '#origin/routes/receive-form.ts';
import type { Upload } from '#origin/routes/upload.ts';
import type { TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { TranscribeOptions, Transcript } from '#shared/contracts/transcript.ts';

type OriginContext = Context<OriginEnv>;

/** Makes the handler. */
export function transcribeRoute(deps: OriginDependencies): Handler<OriginEnv> {
  return function transcribe(c) {
    return answerInPlace(c, deps, async (place) => {
      const { transcript, options, format } = await runInPlace(c, deps, place);
      return { transcript, format, task: options.task };
    });
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
