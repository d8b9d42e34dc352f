/** Known speakers' samples → voices with names. A sample that is not one voice is refused before any work is done. */
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { EngineScheduler } from '#origin/engine/batcher.ts';
import { type DecodeTools, decodeUpload } from '#origin/pipeline/decode-upload.ts';
import { findSpeakers, type NamedVoice } from '#origin/pipeline/find-speakers.ts';
import { startWork } from '#origin/pipeline/recording-work.ts';
import type { TranscribeRequest } from '#origin/pipeline/transcriber.ts';
import type { WindowGeometry } from '#origin/vad/frame-grid.ts';
import type { KnownSpeaker } from '#shared/contracts/transcript.ts';
import { type FieldFault, type SttError, SttException } from '#shared/errors.ts';
import type { Result } from '#shared/result.ts';

export interface EnrolTools extends DecodeTools {
  readonly scheduler: EngineScheduler;
  readonly window: WindowGeometry;
  readonly thresholds: Result<DiarizeOptions, SttError>;
}

/** A sample may be this long. */
const MAX_SAMPLE_SECONDS = 60;
/** With less speech than this an embedding says little. */
const MIN_SPEECH_SECONDS = 1;

/**
 * @throws SttException `model_unavailable` for a sample where there is no speaker encoder; `invalid_fields` where a
 * sample holds no voice, too little speech or several voices, or an embedding is not one of this service's encoder.
 */
export async function embedKnownSpeakers(
  request: TranscribeRequest,
  tools: EnrolTools,
): Promise<readonly NamedVoice[]> {
  const voices: NamedVoice[] = [];
  for (const known of request.options.knownSpeakers ?? []) {
    voices.push({ name: known.name, embedding: await embeddingOf(known, request, tools) });
  }
  return voices;
}

async function embeddingOf(
  known: KnownSpeaker,
  request: TranscribeRequest,
  tools: EnrolTools,
): Promise<Float32Array> {
  if (known.embedding !== undefined) return toUnitVector(known, known.embedding);
  if (known.samplePath === undefined) throw refused(known, 'has neither sample nor embedding');
  return embedSample({ ...known, samplePath: known.samplePath }, request, tools);
}

async function embedSample(
  known: KnownSpeaker & { readonly samplePath: string },
  { requestId, signal }: TranscribeRequest,
  tools: EnrolTools,
): Promise<Float32Array> {
  const { thresholds } = tools;
  if (!thresholds.ok) throw new SttException(thresholds.error);
  const input = { path: known.samplePath, requestId, signal, maxSeconds: MAX_SAMPLE_SECONDS };
  const waveform = await decodeUpload(input, tools);
  try {
    const { scheduler, times, window } = tools;
    const job = { waveform, requestId, scheduler, times, window, thresholds: thresholds.value };
    const work = startWork(job, { signal, isWantedTwice: () => false });
    const { diarization } = await findSpeakers({ ...job, options: {} }, work, []);
    const [voice, ...others] = diarization.speakers;
    if (voice?.embedding === undefined) throw refused(known, 'holds no voice that could be heard');
    if (others.length > 0)
      throw refused(known, `holds ${others.length + 1} voices; send one alone`);
    if (voice.speechSeconds < MIN_SPEECH_SECONDS) {
      const seconds = voice.speechSeconds.toFixed(1);
      throw refused(
        known,
        `holds ${seconds} s of speech; at least ${MIN_SPEECH_SECONDS} s are needed`,
      );
    }
    return Float32Array.from(voice.embedding);
  } finally {
    await waveform.dispose();
  }
}

function toUnitVector(known: KnownSpeaker, embedding: readonly number[]): Float32Array {
  const length = Math.hypot(...embedding);
  if (length === 0) throw refused(known, 'has an embedding of zeros');
  return Float32Array.from(embedding, (value) => value / length);
}

function refused(known: KnownSpeaker, found: string): SttException {
  const message = `the sample of "${known.name}" ${found}.`;
  const fault: FieldFault = { field: 'known_speakers', message, type: 'value_error' };
  return new SttException({ kind: 'invalid_fields', faults: [fault] });
}
