/** One piece of a recording → its text, however many tries it takes within what the recording has left. */
import type { Clock } from '#origin/engine/clock.ts';
import { transcribePiece } from '#origin/voxtral/client.ts';
import { moveAfter, type VoxtralFailure } from '#origin/voxtral/failure.ts';
import { SAMPLE_RATE } from '#origin/voxtral/models.ts';
import {
  type HeardPiece,
  splitLimits,
  type VoxtralRecording,
  type VoxtralTools,
} from '#origin/voxtral/recording.ts';
import { type Piece, splitSpeech } from '#origin/voxtral/split.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface Hearing extends VoxtralTools {
  readonly clock: Clock;
  /** Of the whole recording. */
  readonly budget: { retriesLeft: number };
}

/** Tries of one piece as a whole. */
const MAX_TRIES = 3;
/** A piece is halved only where the halves are longer. */
const MIN_HALF_SECONDS = 10;
/** Less than this without words is most likely a noise, and not worth another try. */
const CLICK_SECONDS = 0.5;
/** So much speech without words is no noise that voice activity took for speech. */
const LOST_SPEECH_SECONDS = 10;
const MAX_PAUSE_MS = 10_000;

export async function hearPiece(
  piece: Piece,
  recording: VoxtralRecording,
  hearing: Hearing,
): Promise<Result<readonly HeardPiece[], VoxtralFailure>> {
  if (hearing.signal.aborted) return fail({ kind: 'aborted' });
  const samples = await recording.readSamples(piece.startSample, lengthOf(piece));
  const result = await tryOften(() => hearOnce(piece, samples, { recording, hearing }), hearing);
  if (result.ok) return ok([{ piece, text: result.value, isMissing: false }]);
  const { error } = result;
  if (HELPED_BY_HALVING.has(error.kind) && lengthOf(piece) / SAMPLE_RATE > 2 * MIN_HALF_SECONDS) {
    return await hearHalves(piece, recording, hearing);
  }
  if (error.kind === 'blank' && error.speechSeconds < LOST_SPEECH_SECONDS) {
    return ok([{ piece, text: '', isMissing: true }]);
  }
  return fail(error);
}

const HELPED_BY_HALVING: ReadonlySet<VoxtralFailure['kind']> = new Set([
  'blank',
  'out_of_context',
  'too_large',
]);

/** Other cuts give the model another chance, and half the text. */
async function hearHalves(
  piece: Piece,
  recording: VoxtralRecording,
  hearing: Hearing,
): Promise<Result<readonly HeardPiece[], VoxtralFailure>> {
  const halfSeconds = Math.max(MIN_HALF_SECONDS, (0.6 * lengthOf(piece)) / SAMPLE_RATE);
  const halves = splitSpeech(piece.regions, piece.endSample, splitLimits(halfSeconds));
  const heard: HeardPiece[] = [];
  for (const [i, half] of halves.entries()) {
    // What the whole piece shares with the one before it, its first half does.
    const shared = piece.startSample + piece.overlapSamples - half.startSample;
    const overlapSamples =
      i === 0 && piece.overlapSamples > 0 ? Math.max(0, shared) : half.overlapSamples;
    const result = await hearPiece({ ...half, overlapSamples }, recording, hearing);
    if (!result.ok) return result;
    heard.push(...result.value);
  }
  return ok(heard);
}

async function tryOften(
  attempt: () => Promise<Result<string, VoxtralFailure>>,
  { budget, clock, log, signal }: Hearing,
): Promise<Result<string, VoxtralFailure>> {
  for (let tries = 1; ; tries += 1) {
    const result = await attempt();
    if (result.ok || moveAfter(result.error) !== 'again') return result;
    if (tries >= mostTries(result.error) || budget.retriesLeft <= 0) return result;
    budget.retriesLeft -= 1;
    log.warn({ failure: result.error, tries }, 'a piece is sent to vllm once more');
    await pauseFor(result.error, clock, signal);
  }
}

/** The same blanks twice are enough. */
function mostTries(failure: VoxtralFailure): number {
  if (failure.kind !== 'blank') return MAX_TRIES;
  return failure.speechSeconds < CLICK_SECONDS ? 1 : 2;
}

async function hearOnce(
  piece: Piece,
  samples: Float32Array,
  { recording, hearing }: { readonly recording: VoxtralRecording; readonly hearing: Hearing },
): Promise<Result<string, VoxtralFailure>> {
  const { server, settings, signal, clock } = hearing;
  const speechSeconds = speechOf(piece);
  const result = await server.use(
    (address) =>
      transcribePiece(
        { model: server.model, samples, language: recording.language },
        {
          address,
          timeoutMs: settings.timeoutMs,
          signal,
          clock,
          maxBlankDeltas: blankLimit(piece, server.model.isRealtime),
          ...(hearing.fetch !== undefined && { fetch: hearing.fetch }),
        },
      ),
    { signal, maxWaitMs: hearing.maxStartWaitMs ?? settings.timeoutMs },
  );
  if (!result.ok)
    return result.error.kind === 'blank' ? fail({ kind: 'blank', speechSeconds }) : result;
  if (/[\p{L}\p{N}]/u.test(result.value)) return ok(result.value.trim());
  return fail({ kind: 'blank', speechSeconds });
}

/** The realtime model writes a blank for each 80 ms without a word; the others write none. */
function blankLimit(piece: Piece, isRealtime: boolean): number {
  if (!isRealtime) return 200;
  const ends = [piece.startSample, ...piece.regions.map(({ endSample }) => endSample)];
  const starts = [...piece.regions.map(({ startSample }) => startSample), piece.endSample];
  const longestPause = ends.reduce(
    (longest, end, i) => Math.max(longest, (starts[i] ?? end) - end),
    0,
  );
  return Math.ceil((longestPause / SAMPLE_RATE + 10) / 0.08);
}

async function pauseFor(failure: VoxtralFailure, clock: Clock, signal: AbortSignal): Promise<void> {
  const wantedMs = failure.kind === 'overloaded' ? (failure.retryAfterSeconds ?? 1) * 1000 : 0;
  if (wantedMs === 0 || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const takeBack = clock.after(Math.min(MAX_PAUSE_MS, wantedMs), resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  takeBack();
}

function speechOf({ regions }: Piece): number {
  return regions.reduce((sum, region) => sum + lengthOf(region), 0) / SAMPLE_RATE;
}

function lengthOf({ startSample, endSample }: Pick<Piece, 'startSample' | 'endSample'>): number {
  return endSample - startSample;
}
