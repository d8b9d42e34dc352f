/** One attempt at a job: what `POST /transcribe` does between a received form and its answer. */
import type { Job, JobResult } from '#origin/jobs/job.ts';
import type { JobFiles } from '#origin/jobs/job-files.ts';
import type { JobWork } from '#origin/jobs/job-runner.ts';
import type { OriginMetrics } from '#origin/metrics/metrics.ts';
import type { Transcriber } from '#origin/pipeline/transcriber.ts';
import type { Tracing } from '#origin/tracing/tracing.ts';
import { parseTranscribeForm } from '#shared/contracts/transcribe-form.ts';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';
import { formatTranscript } from '#shared/format/format-transcript.ts';

export interface JobTools {
  readonly files: JobFiles;
  readonly transcriber: Transcriber;
  readonly metrics: OriginMetrics;
  readonly tracing?: Tracing;
  /** Counts what was transcribed to the limit of whoever brought the job. */
  readonly chargeAudio?: (principalId: string, seconds: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** @throws SttException as the pipeline does; `invalid_fields` for a form that this version does not understand */
export async function performJob(job: Job, work: JobWork, tools: JobTools): Promise<JobResult> {
  const { files, transcriber, metrics, now } = tools;
  const demand = parseTranscribeForm(job.fields, files.samplePaths(job.id, job.sampleCount));
  if (!demand.ok) throw new SttException({ kind: 'invalid_fields', faults: demand.error });
  const { options, format } = demand.value;
  const startedMs = now();
  metrics.observeQueueWait(Math.max(0, startedMs - job.createdMs) / 1000);
  const trace = tools.tracing?.begin('job', { requestId: job.requestId });
  let isError = true;
  try {
    const transcript = await transcriber.transcribe({
      path: files.recordingPath(job.id),
      ...(job.fileName !== null && { fileName: job.fileName }),
      options,
      requestId: job.requestId,
      ...(trace !== undefined && { onStage: trace.part }),
      ...work,
    });
    tools.chargeAudio?.(job.principalId, transcript.durationSeconds);
    count(transcript, (now() - startedMs) / 1000, metrics);
    isError = false;
    const latencyMs = Math.max(0, now() - job.createdMs);
    return formatTranscript(transcript, format, {
      requestId: job.requestId,
      latencyMs,
      task: options.task,
    });
  } catch (error) {
    metrics.countFailure(options.model ?? transcriber.models().defaultWhisper);
    throw error;
  } finally {
    trace?.end({ isError, attributes: { 'mana_stt.job': job.id } });
  }
}

function count(transcript: Transcript, workSeconds: number, metrics: OriginMetrics): void {
  const { model, language, durationSeconds: audioSeconds, text } = transcript;
  metrics.countTranscription({
    model,
    language,
    characters: text.length,
    audioSeconds,
    workSeconds: Math.max(0, workSeconds),
  });
}
