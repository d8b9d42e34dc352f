/** One uploaded file → one transcript: decode → text and speakers side by side → put together. */
import { SAMPLE_RATE, type SpooledWaveform } from '#origin/audio/waveform.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import type { FindAligner } from '#origin/pipeline/aligners.ts';
import { assembleTranscript, type FoundSpeakers } from '#origin/pipeline/assemble.ts';
import { type DecodeTools, decodeUpload } from '#origin/pipeline/decode-upload.ts';
import {
  findSpeakers,
  isWindowOfBoth,
  type NamedVoice,
  type SpeakerJob,
} from '#origin/pipeline/find-speakers.ts';
import { mayDegrade } from '#origin/pipeline/may-degrade.ts';
import type { ChunkResult, RecordingJob } from '#origin/pipeline/recording-job.ts';
import { type RecordingWork, startWork } from '#origin/pipeline/recording-work.ts';
import { transcribeRecording } from '#origin/pipeline/transcribe.ts';
import type { TranscribeRequest } from '#origin/pipeline/transcriber.ts';
import type { WindowGeometry } from '#origin/vad/frame-grid.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { describeSttError, type SttError } from '#shared/errors.ts';
import type { Result } from '#shared/result.ts';

/** What all recordings of one request are worked on with. */
export interface FileTools extends DecodeTools {
  /** Canonical name of the model. */
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
  readonly scheduler: EngineScheduler;
  readonly findAligner: FindAligner;
  readonly languageHint: string;
  /** Windows of the segmentation model. */
  readonly window: WindowGeometry;
  /** Of the speaker encoder. */
  readonly thresholds: Result<DiarizeOptions, SttError>;
  /** Voices of known speakers. */
  readonly knownVoices: readonly NamedVoice[];
}

/** @param channel One channel alone, counted from 0; absent: all of them mixed. */
export async function transcribeFile(
  request: TranscribeRequest,
  tools: FileTools,
  channel?: number,
): Promise<Transcript> {
  const { path, options, requestId, signal } = request;
  const waveform = await decodeUpload({ path, requestId, signal, channel }, tools);
  const ending = new AbortController();
  const job: RecordingJob = {
    ...tools,
    waveform,
    options,
    plan: new SearchPlan(),
    requestId,
    signal,
  };
  const work = startWork(job, {
    signal: AbortSignal.any([signal, ending.signal]),
    isWantedTwice: (startSample) =>
      options.diarize && tools.thresholds.ok && isWindowOfBoth(startSample),
  });
  const speakers = options.diarize ? speakersOf(job, work, tools) : Promise.resolve(null);
  try {
    const [chunks, found] = await Promise.all([collectChunks(job, work, request), speakers]);
    const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
    return assembleTranscript(chunks, {
      options,
      model: job.model,
      languageHint: tools.languageHint,
      durationSeconds: sampleCount / SAMPLE_RATE,
      truncated: waveform.truncated,
      speakers: found,
      timingsMs: job.times.toRecord(),
    });
  } finally {
    ending.abort();
    await speakers.catch(() => undefined);
    await waveform.dispose();
  }
}

/** Speakers are an extra: where they cannot be found, the text stays and the answer says so. */
export async function speakersOf(
  job: Omit<SpeakerJob, 'thresholds'> & Pick<RecordingJob, 'requestId'>,
  work: RecordingWork,
  { knownVoices, thresholds, logger }: Pick<FileTools, 'knownVoices' | 'thresholds' | 'logger'>,
): Promise<FoundSpeakers> {
  if (!thresholds.ok) {
    const why = describeSttError(thresholds.error);
    return { diarization: null, warnings: [`Speakers could not be found. ${why}`] };
  }
  try {
    return await findSpeakers({ ...job, thresholds: thresholds.value }, work, knownVoices);
  } catch (error) {
    if (work.context.signal.aborted || !mayDegrade(error)) throw error;
    logger.error({ request_id: job.requestId, err: error }, 'speakers could not be found');
    return { diarization: null, warnings: ['Speakers could not be found; the text is complete.'] };
  }
}

async function collectChunks(
  job: RecordingJob,
  work: RecordingWork,
  { onProgress }: TranscribeRequest,
): Promise<ChunkResult[]> {
  const chunks: ChunkResult[] = [];
  for await (const chunk of transcribeRecording(job, work)) {
    chunks.push(chunk);
    onProgress?.(progressOf(job.waveform, chunk));
  }
  return chunks;
}

function progressOf(waveform: SpooledWaveform, chunk: ChunkResult) {
  return { doneSeconds: chunk.endSeconds, totalSeconds: waveform.sampleCount / SAMPLE_RATE };
}
