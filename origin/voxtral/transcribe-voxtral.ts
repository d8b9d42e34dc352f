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
import { type SampleRange, splitSpeech } from '#origin/voxtral/split.ts';
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
  const { settings, signal } = tools;
  const pieces = splitSpeech(
    recording.regions,
    recording.totalSamples,
    splitLimits(settings.maxPieceSeconds),
  );
  const given = new AbortController();
  const budget = { retriesLeft: Math.max(MIN_RETRIES, Math.ceil(pieces.length / 2)) };
  const clock = tools.clock ?? systemClock;
  const hearing = { ...tools, clock, budget, signal: AbortSignal.any([signal, given.signal]) };
  let doneSeconds = 0;
  const heard = await pMap(
    pieces,
    async (piece) => {
      const result = await hearPiece(piece, recording, hearing).catch((error: unknown) => {
        given.abort();
        throw error;
      });
      // What the others would still bring is of no use.
      if (!result.ok) given.abort();
      doneSeconds += seconds(piece.endSample - piece.startSample);
      if (result.ok) tools.onProgress?.(doneSeconds);
      return result;
    },
    { concurrency: settings.concurrency },
  );
  const failure = chooseFailure(heard.flatMap((result) => (result.ok ? [] : [result.error])));
  if (signal.aborted) return fail({ kind: 'aborted' });
  if (failure !== null) return fail(failure);
  return ok(join(heard.flatMap((result) => (result.ok ? result.value : []))));
}

const MIN_RETRIES = 3;

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

function toTimeSpan({ startSample, endSample }: SampleRange): TimeSpan {
  return { startSeconds: seconds(startSample), endSeconds: seconds(endSample) };
}

function seconds(samples: number): number {
  return samples / SAMPLE_RATE;
}
