/**
 * One uploaded file → Voxtral's text → one transcript: decode → speech → pieces at vLLM, and beside it languages and
 * speakers → words in time → put together. The same answer as Whisper's, but that text comes without any times.
 */
import pMap from 'p-map';
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import { assembleTranscript } from '#origin/pipeline/assemble.ts';
import { decodeUpload } from '#origin/pipeline/decode-upload.ts';
import { isWindowOfBoth } from '#origin/pipeline/find-speakers.ts';
import { hearBeside } from '#origin/pipeline/hear-beside.ts';
import type { ChunkResult } from '#origin/pipeline/recording-job.ts';
import { type RecordingWork, startWork } from '#origin/pipeline/recording-work.ts';
import { type FileTools, speakersOf } from '#origin/pipeline/transcribe-file.ts';
import type { TranscribeRequest, VoxtralAccess } from '#origin/pipeline/transcriber.ts';
import {
  findLanguages,
  type LanguageJob,
  type LanguageJudge,
} from '#origin/pipeline/voxtral-languages.ts';
import { type HeardBefore, inTimeOrder, placePiece } from '#origin/pipeline/voxtral-words.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { detectSpeech } from '#origin/vad/detect-speech.ts';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { createSliceReader } from '#origin/voxtral/slice-reader.ts';
import { transcribeVoxtral, type VoxtralText } from '#origin/voxtral/transcribe-voxtral.ts';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { ok, type Result } from '#shared/result.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';

export interface VoxtralFileTools extends Omit<FileTools, 'model' | 'tokenizer'> {
  readonly voxtral: VoxtralAccess;
  readonly openJudge: () => Promise<LanguageJudge>;
}

/** Longer pieces are more than one search through the aligner's signs should bear. */
const MAX_ALIGNED_SECONDS = 100;
/** Pieces of one recording whose words are placed at a time. */
const PIECES_IN_FLIGHT = 4;

/** Failures of vLLM are values, so that another backend gets the recording. */
export async function transcribeVoxtralFile(
  request: TranscribeRequest,
  tools: VoxtralFileTools,
): Promise<Result<Transcript, VoxtralFailure>> {
  const { path, options, requestId, signal } = request;
  const waveform = await decodeUpload({ path, requestId, signal }, tools);
  const ending = new AbortController();
  const job: LanguageJob = { ...tools, waveform, options, requestId, signal };
  const work = startWork(job, {
    signal: AbortSignal.any([signal, ending.signal]),
    isWantedTwice: (startSample) =>
      options.diarize && tools.thresholds.ok && isWindowOfBoth(startSample),
  });
  const speakers = options.diarize ? speakersOf(job, work, tools) : Promise.resolve(null);
  const parts = { job, work };
  let beside: Promise<Beside> | null = null;
  try {
    const chunks = await findSpeech(job, work);
    beside = listenBeside(chunks, parts, tools);
    // Who fails first is told first, below.
    beside.catch(() => undefined);
    speakers.catch(() => undefined);
    const heard = await hear(chunks, { job, work, request, tools });
    if (!heard.ok) return heard;
    const results = await placeWords(heard.value, await beside, parts);
    const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
    return ok(
      assembleTranscript(results, {
        options,
        model: tools.voxtral.server.model.id,
        languageHint: tools.languageHint,
        durationSeconds: sampleCount / SAMPLE_RATE,
        truncated: waveform.truncated,
        speakers: await speakers,
        timingsMs: job.times.toRecord(),
      }),
    );
  } finally {
    ending.abort();
    await Promise.allSettled([beside, speakers]);
    await waveform.dispose();
  }
}

interface Parts {
  readonly job: LanguageJob;
  readonly work: RecordingWork;
}

/** What Whisper knows of the speech. */
type Beside = Pick<HeardBefore, 'languages' | 'whisper'>;

async function listenBeside(
  chunks: readonly SpeechChunk[],
  { job, work }: Parts,
  { openJudge }: Pick<VoxtralFileTools, 'openJudge'>,
): Promise<Beside> {
  const languages = await findLanguages(chunks, { job, context: work.context }, openJudge);
  return { languages, whisper: await hearBeside(languages.chunks, { job, work }, openJudge) };
}

async function findSpeech(job: LanguageJob, work: RecordingWork): Promise<SpeechChunk[]> {
  const segment = (windows: Parameters<RecordingWork['segment']>[0]) =>
    job.times.measure('vad', () => work.segment(windows));
  const chunks: SpeechChunk[] = [];
  for await (const chunk of detectSpeech(job.waveform, segment, { window: job.window })) {
    chunks.push(chunk);
  }
  return chunks;
}

async function hear(
  chunks: readonly SpeechChunk[],
  {
    job,
    work,
    request,
    tools,
  }: Parts & { readonly request: TranscribeRequest; readonly tools: VoxtralFileTools },
): Promise<Result<VoxtralText, VoxtralFailure>> {
  const { waveform, options } = job;
  const { server, settings } = tools.voxtral;
  const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
  const totalSeconds = sampleCount / SAMPLE_RATE;
  const maxPieceSeconds = options.align
    ? Math.min(settings.maxPieceSeconds, MAX_ALIGNED_SECONDS)
    : settings.maxPieceSeconds;
  return await job.times.measure('transcribe', () =>
    transcribeVoxtral(
      {
        totalSamples: sampleCount,
        regions: chunks.flatMap(({ regions }) => regions),
        readSamples: createSliceReader(waveform.path),
        language: namable(options.language),
      },
      {
        server,
        settings: { ...settings, maxPieceSeconds },
        signal: work.context.signal,
        log: tools.logger.child({ request_id: job.requestId }),
        onProgress: (doneSeconds) => request.onProgress?.({ doneSeconds, totalSeconds }),
      },
    ),
  );
}

/** vLLM refuses the others; Voxtral then hears which one it is, as well as it can. */
function namable(language: string | undefined): string | null {
  return language !== undefined && VOXTRAL_LANGUAGES.includes(language) ? language : null;
}

async function placeWords(
  { pieces, missing, warnings }: VoxtralText,
  { languages, whisper }: Beside,
  { job, work }: Parts,
): Promise<ChunkResult[]> {
  const placed = await pMap(
    pieces,
    async (piece) => {
      const result = await placePiece(piece, { languages, whisper, missing }, { job, work });
      work.reached(result.endSeconds);
      return result;
    },
    { concurrency: PIECES_IN_FLIGHT },
  );
  const [first, ...others] = inTimeOrder(placed);
  if (first === undefined) return [];
  // What holds for the whole recording is said once, by its first piece.
  const told = [...languages.warnings, ...warnings, ...first.warnings];
  return [{ ...first, warnings: told }, ...others];
}
