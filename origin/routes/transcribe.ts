/** `POST /transcribe`: take a place → receive the form → wait for a slot → transcribe → answer. */
import { Readable } from 'node:stream';
import type { Context, Handler } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { receiveUpload, type Upload } from '#origin/routes/upload.ts';
import { parseTranscribeForm, type TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { TranscribeOptions, Transcript } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';
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
  const upload = await receive(c, deps);
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

async function receive(c: OriginContext, deps: OriginDependencies): Promise<Upload> {
  const startedMs = deps.now();
  const source = {
    openBody: () => openBody(c),
    contentType: c.req.header('content-type'),
    contentLength: c.req.header('content-length'),
  };
  const { spoolDir, maxUploadBytes, uploadIdleTimeoutSeconds } = deps.config;
  const upload = await receiveUpload(source, {
    spoolDir,
    maxFileBytes: maxUploadBytes,
    idleTimeoutSeconds: uploadIdleTimeoutSeconds,
  });
  deps.metrics.observeUpload(upload.sizeBytes);
  const uploadMs = Math.round(deps.now() - startedMs);
  Object.assign(c.get('facts'), { uploadMs, sizeBytes: upload.sizeBytes });
  return upload;
}

/** Node's own stream where there is one: it can be left half read without ending the connection. */
function openBody(c: OriginContext): Readable {
  // Called without a server the app has no bindings at all, whatever Hono's type says.
  const { incoming, outgoing }: Partial<OriginEnv['Bindings']> = c.env ?? {};
  if (incoming !== undefined) {
    if (c.req.header('expect') !== undefined) {
      outgoing?.writeContinue();
    }
    return incoming;
  }
  const { body } = c.req.raw;
  return body === null ? Readable.from([]) : Readable.fromWeb(body);
}

function readDemand(upload: Upload, deps: OriginDependencies): TranscribeDemand {
  const demand = parseTranscribeForm(upload.fields, upload.samplePaths);
  if (!demand.ok) {
    throw new SttException({ kind: 'invalid_fields', faults: demand.error });
  }
  const { model } = demand.value.options;
  const known = deps.transcriber.models().whisper;
  if (model !== undefined && !known.includes(model)) {
    throw new SttException({ kind: 'unknown_model', model, known });
  }
  return demand.value;
}

async function waitForSlot(
  c: OriginContext,
  deps: OriginDependencies,
  place: Place,
): Promise<void> {
  const startedMs = deps.now();
  await place.start(c.req.raw.signal);
  const queueMs = deps.now() - startedMs;
  c.get('facts').queueMs = Math.round(queueMs);
  deps.metrics.observeQueueWait(queueMs / 1000);
  deps.metrics.setQueue(deps.admission.counts());
}

async function work(
  c: OriginContext,
  deps: OriginDependencies,
  job: { upload: Upload; options: TranscribeOptions },
): Promise<Transcript> {
  const startedMs = deps.now();
  const { path, fileName } = job.upload;
  const transcript = await deps.transcriber.transcribe({
    path,
    ...(fileName !== undefined && { fileName }),
    options: job.options,
    requestId: c.get('requestId'),
    signal: c.req.raw.signal,
  });
  const workMs = deps.now() - startedMs;
  const { model, language, durationSeconds: audioSeconds } = transcript;
  Object.assign(c.get('facts'), { model, language, audioSeconds, workMs: Math.round(workMs) });
  const characters = transcript.text.length;
  deps.metrics.countTranscription({
    model,
    language,
    characters,
    audioSeconds,
    workSeconds: workMs / 1000,
  });
  return transcript;
}
