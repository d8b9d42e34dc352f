/** One attempt at a job: what a route does between a received form and its answer. */
import { stat } from 'node:fs/promises';
import type { Backends } from '#origin/backends/open-backends.ts';
import type { Job, JobResult } from '#origin/jobs/job.ts';
import type { JobFiles } from '#origin/jobs/job-files.ts';
import type { JobWork } from '#origin/jobs/job-runner.ts';
import type { OriginMetrics } from '#origin/metrics/metrics.ts';
import type { TranscribeRequest, Transcriber } from '#origin/pipeline/transcriber.ts';
import type { Tracing } from '#origin/tracing/tracing.ts';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { parseTranscribeForm, type TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { AnyTranscript } from '#shared/contracts/transcript.ts';
import { type SttError, SttException } from '#shared/errors.ts';
import { formatTranscript } from '#shared/format/format-transcript.ts';
import { readRoutedForm } from '#shared/routing/read-routed-form.ts';

export interface JobTools {
  readonly files: JobFiles;
  readonly transcriber: Transcriber;
  /** For jobs whose backend is to be chosen; absent: there are none. */
  readonly backends?: Backends;
  readonly metrics: OriginMetrics;
  readonly tracing?: Tracing;
  /** Counts what was transcribed to the limit of whoever brought the job. */
  readonly chargeAudio?: (principalId: string, seconds: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * @throws SttException as the pipeline does; `invalid_fields` for a form that this version does not understand,
 *   `internal` when not all of the recording is there
 */
export async function performJob(job: Job, work: JobWork, tools: JobTools): Promise<JobResult> {
  const { metrics, now } = tools;
  await requireWhole(job, tools.files);
  const { options, format, model, transcribe } = await readTask(job, tools);
  const startedMs = now();
  metrics.observeQueueWait(Math.max(0, startedMs - job.createdMs) / 1000);
  const trace = tools.tracing?.begin('job', { requestId: job.requestId });
  let isError = true;
  try {
    const { transcript, headers } = await transcribe({
      ...work,
      ...(trace !== undefined && { onStage: trace.part }),
    });
    tools.chargeAudio?.(job.principalId, transcript.durationSeconds);
    count(transcript, (now() - startedMs) / 1000, metrics);
    isError = false;
    const latencyMs = Math.max(0, now() - job.createdMs);
    const context = { requestId: job.requestId, latencyMs, task: options.task };
    const result = formatTranscript(transcript, format, context);
    return { ...result, headers: { ...result.headers, ...headers } };
  } catch (error) {
    metrics.countFailure(model);
    throw error;
  } finally {
    trace?.end({ isError, attributes: { 'mana_stt.job': job.id } });
  }
}

/** The power may have gone before the recording was on the disk for good: half of it must not pass for all. */
async function requireWhole({ id, sampleCount, sizeBytes }: Job, files: JobFiles): Promise<void> {
  const found = await files.sizeOf(id, sampleCount);
  if (found === sizeBytes) return;
  const cause = new Error(`the files of job ${id} have ${found} bytes in place of ${sizeBytes}`);
  throw new SttException({ kind: 'internal' }, { cause });
}

type TaskWork = JobWork & Pick<TranscribeRequest, 'onStage'>;

interface Answer {
  readonly transcript: AnyTranscript;
  /** Of who gave it, where that was chosen. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Task extends TranscribeDemand {
  /** For metrics: a known name, or `unknown`. */
  readonly model: string;
  transcribe(work: TaskWork): Promise<Answer>;
}

/** What a job asks for, and the way to it. */
async function readTask(job: Job, tools: JobTools): Promise<Task> {
  const { files, transcriber, backends } = tools;
  const path = files.recordingPath(job.id);
  const samples = files.samplePaths(job.id, job.sampleCount);
  const { requestId } = job;
  const recording = { path, requestId, ...(job.fileName !== null && { fileName: job.fileName }) };
  if (job.route === 'whisper') {
    const demand = parseTranscribeForm(job.fields, samples);
    if (!demand.ok) throw new SttException({ kind: 'invalid_fields', faults: demand.error });
    const { options } = demand.value;
    const transcribe = async (work: TaskWork) => {
      const transcript = await transcriber.transcribe({ ...recording, options, ...work });
      return { transcript, headers: {} };
    };
    const model = options.model ?? transcriber.models().defaultWhisper;
    return { ...demand.value, model, transcribe };
  }
  if (backends === undefined) throw new SttException(NO_BACKENDS);
  const { size: sizeBytes } = await stat(path);
  const isLocalVoxtral = (name: string) => findVoxtralModel(name) !== null;
  const received = { fields: job.fields, samples, sizeBytes, route: job.route, isLocalVoxtral };
  const form = readRoutedForm(received);
  if (!form.ok) throw new SttException(form.error);
  const transcribe = (work: TaskWork) =>
    askBackends(backends, { ...recording, ...work, form: form.value });
  const { named } = form.value;
  // Other names are the caller's own spelling.
  const model = named.kind === 'hosted' ? named.model.id : 'unknown';
  return { ...form.value, model, transcribe };
}

/** The job came to a service that had some. */
const NO_BACKENDS: SttError = {
  kind: 'no_backend',
  explanation: 'No backend can be chosen here.',
  retryAfterSeconds: null,
};

/** A job that is worked on has its slot. */
async function askBackends(
  backends: Backends,
  work: Omit<Parameters<Backends['transcribe']>[0], 'untilSlot' | 'load'>,
): Promise<Answer> {
  const untilSlot = async () => undefined;
  const load = () => ({ freeSlots: 1, waiting: 0 });
  const { result, headers } = await backends.transcribe({ ...work, untilSlot, load });
  if (!result.ok) throw new SttException(result.error);
  return { transcript: result.value, headers };
}

function count(transcript: AnyTranscript, workSeconds: number, metrics: OriginMetrics): void {
  const { model, language, durationSeconds: audioSeconds, text } = transcript;
  metrics.countTranscription({
    model,
    language,
    characters: text.length,
    audioSeconds,
    workSeconds: Math.max(0, workSeconds),
  });
}
