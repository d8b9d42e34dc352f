/** What one recording and its pieces are, and what it takes to get their texts. */
import type { EngineLog } from '#origin/engine/child-output.ts';
import type { Clock } from '#origin/engine/clock.ts';
import { SAMPLE_RATE } from '#origin/voxtral/models.ts';
import type { VoxtralServer } from '#origin/voxtral/server.ts';
import type { ReadSamples } from '#origin/voxtral/slice-reader.ts';
import type { Piece, SampleRange, SplitLimits } from '#origin/voxtral/split.ts';
import type { VoxtralSettings } from '#origin/voxtral/voxtral-settings.ts';

export interface VoxtralRecording {
  readonly totalSamples: number;
  /** Where somebody speaks, in order, without overlaps. */
  readonly regions: readonly SampleRange[];
  readonly readSamples: ReadSamples;
  /** Code; null: to be detected, piece by piece. */
  readonly language: string | null;
}

export interface VoxtralTools {
  readonly server: VoxtralServer;
  readonly settings: Pick<VoxtralSettings, 'timeoutMs' | 'maxPieceSeconds' | 'concurrency'>;
  /** Of whoever waits. */
  readonly signal: AbortSignal;
  readonly log: EngineLog;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** Longest wait for a vLLM that is starting. Default: `timeoutMs`. */
  readonly maxStartWaitMs?: number;
  /** Told of the audio that has its text, in seconds of this recording. */
  readonly onProgress?: (doneSeconds: number) => void;
}

/** One piece, or a half of one, with its text as Voxtral gave it. */
export interface HeardPiece {
  readonly piece: Piece;
  readonly text: string;
  /** No words although there should be some, but too little to give all up for. */
  readonly isMissing: boolean;
}

/** In samples, for pieces of at most so many seconds. */
export function splitLimits(maxPieceSeconds: number): SplitLimits {
  const maxSamples = maxPieceSeconds * SAMPLE_RATE;
  return {
    maxSamples,
    minSilenceSamples: 0.3 * SAMPLE_RATE,
    maxGapSamples: 30 * SAMPLE_RATE,
    padSamples: 0.2 * SAMPLE_RATE,
    // Enough for some words in a row on both sides of the cut.
    overlapSamples: Math.min(5 * SAMPLE_RATE, Math.floor(maxSamples / 8)),
  };
}
