/**
 * The story of one recording at Voxtral: speech regions → pieces → vLLM → texts with the times of their pieces. Text is
 * never lost silently: a piece that fails is tried again, in halves where that may help, and then the whole recording
 * fails, so that another backend gets it.
 */
import pMap from 'p-map';
import { systemClock } from '#origin/engine/clock.ts';
import { moveAfter, type VoxtralFailure } from '#origin/voxtral/failure.ts';
import { hearPiece } from '#origin/voxtral/hear-piece.ts';
import { SAMPLE_RATE } from '#origin/voxtral/models.ts';
import {
  type HeardPiece,
  splitLimits,
  type VoxtralRecording,
  type VoxtralTools,
} from '#origin/voxtral/recording.ts';
import { type Piece, type SampleRange, splitSpeech } from '#origin/voxtral/split.ts';
import { stitchTexts } from '#origin/voxtral/stitch.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';
import { joinTexts } from '#shared/format/scripts.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** A stretch of the recording with its text, ready to be aligned. Stretches may overlap a little; their texts do not. */
export interface VoxtralPiece extends TimeSpan {
  readonly text: string;
  /** Speech in it. */
  readonly speech: readonly TimeSpan[];
}

export interface VoxtralText {
  readonly text: string;
  /** In order, also those without a text. */
  readonly pieces: readonly VoxtralPiece[];
  /** Short stretches of what voice activity takes for speech in which Voxtral found no words, twice. */
  readonly missing: readonly TimeSpan[];
  /** Sentences for the caller. */
  readonly warnings: readonly string[];
}

/** Rejects only when the waveform cannot be read. */
export async function transcribeVoxtral(
  recording: VoxtralRecording,
  tools: VoxtralTools,
): Promise<Result<VoxtralText, VoxtralFailure>> {
  const limits = splitLimits(tools.settings.maxPieceSeconds);
  const pieces = splitSpeech(recording.regions, recording.totalSamples, limits);
  const heard = await hearAll(pieces, recording, tools);
  if (tools.signal.aborted) return fail({ kind: 'aborted' });
  const failure = chooseFailure(heard.flatMap((result) => (result.ok ? [] : [result.error])));
  if (failure !== null) return fail(failure);
  const text = join(heard.flatMap((result) => (result.ok ? result.value : [])));
  const speechSeconds = lengthOf(text.missing);
  // Many small holes are a loss, too.
  const mayMissSeconds = Math.max(MAY_MISS_SECONDS, MAY_MISS_SHARE * seconds(spoken(pieces)));
  return speechSeconds > mayMissSeconds ? fail({ kind: 'blank', speechSeconds }) : ok(text);
}

/** Some pieces at a time; the first failure ends the work on the others. */
async function hearAll(
  pieces: readonly Piece[],
  recording: VoxtralRecording,
  tools: VoxtralTools,
): Promise<Result<readonly HeardPiece[], VoxtralFailure>[]> {
  const given = new AbortController();
  const hearing = {
    ...tools,
    clock: tools.clock ?? systemClock,
    budget: { retriesLeft: Math.max(MIN_RETRIES, Math.ceil(pieces.length / 2)) },
    signal: AbortSignal.any([tools.signal, given.signal]),
  };
  let doneSamples = 0;
  const hear = async (piece: Piece) => {
    const result = await hearPiece(piece, recording, hearing).catch((error: unknown) => {
      given.abort();
      throw error;
    });
    // What the others would still bring is of no use.
    if (!result.ok) given.abort();
    doneSamples += piece.endSample - piece.startSample;
    if (result.ok) tools.onProgress?.(seconds(doneSamples));
    return result;
  };
  return await pMap(pieces, hear, { concurrency: tools.settings.concurrency });
}

const MIN_RETRIES = 3;
/** Speech without words that is put down to noise, all pieces together. */
const MAY_MISS_SECONDS = 10;
const MAY_MISS_SHARE = 0.05;

/** Pieces that were cut off because of another one say nothing of why. */
function chooseFailure(failures: readonly VoxtralFailure[]): VoxtralFailure | null {
  return failures.find((failure) => moveAfter(failure) !== 'final') ?? failures[0] ?? null;
}

function join(heard: readonly HeardPiece[]): VoxtralText {
  const { texts, unmatched } = stitchTexts(
    heard.map(({ piece, text }) => ({
      text,
      durationSeconds: seconds(piece.endSample - piece.startSample),
      overlapSeconds: seconds(piece.overlapSamples),
    })),
  );
  const missing = heard.flatMap(({ piece, isMissing }) =>
    isMissing ? piece.regions.map(toTimeSpan) : [],
  );
  return {
    text: joinTexts(texts),
    pieces: heard.map(({ piece }, i) => ({
      ...toTimeSpan(piece),
      text: texts[i] ?? '',
      speech: piece.regions.map(toTimeSpan),
    })),
    missing,
    warnings: [
      ...unmatched.map((i) => {
        const at = seconds(heard[i]?.piece.startSample ?? 0).toFixed(1);
        return `The recording was cut within speech at ${at} s; some words there may stand twice.`;
      }),
      ...missing.map(({ startSeconds, endSeconds }) => {
        const where = `${startSeconds.toFixed(1)}-${endSeconds.toFixed(1)} s`;
        return `Voxtral found no words in ${where}, where somebody seems to speak.`;
      }),
    ].slice(0, MAX_WARNINGS),
  };
}

const MAX_WARNINGS = 50;

function spoken(pieces: readonly Piece[]): number {
  const regions = pieces.flatMap((piece) => piece.regions);
  return regions.reduce((sum, { startSample, endSample }) => sum + endSample - startSample, 0);
}

function lengthOf(spans: readonly TimeSpan[]): number {
  return spans.reduce((sum, { startSeconds, endSeconds }) => sum + endSeconds - startSeconds, 0);
}

function toTimeSpan({ startSample, endSample }: SampleRange): TimeSpan {
  return { startSeconds: seconds(startSample), endSeconds: seconds(endSample) };
}

function seconds(samples: number): number {
  return samples / SAMPLE_RATE;
}
