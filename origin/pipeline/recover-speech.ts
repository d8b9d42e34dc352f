/** Speech without words → decoded again, by itself; what has words then is put between the others. */
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import {
  type CheckedText,
  cropChunk,
  isBelievedAlone,
  LEAST_LOG_PROB_ALONE,
} from '#origin/pipeline/drop-invented.ts';
import type { Hear, HeardStretch } from '#origin/pipeline/hear-stretch.ts';
import { toTimeSpan, type VotedChunk } from '#origin/pipeline/recording-job.ts';
import { mergeWords } from '#origin/truth/merge-words.ts';
import { unsearchedWarning } from '#origin/truth/say-what-was-done.ts';
import { secondsOf } from '#origin/truth/spans.ts';
import { strayText, textOfWords } from '#origin/truth/stray-text.ts';
import { uncoveredSpeech } from '#origin/truth/uncovered-speech.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { LikeliestText } from '#origin/whisper/decode-with-fallback.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

/** Second attempts of one chunk at most: each costs about as much as the chunk itself. */
const MOST_ATTEMPTS = 4;
/** Heard before and behind the stretch, for context. */
const CONTEXT_SAMPLES = 0.3 * SAMPLE_RATE;
/** Temperatures of a second attempt: stretches without words are often no speech, where more would only take time. */
const LADDER = [0, 0.4];
export async function recoverSpeech(
  checked: CheckedText,
  chunk: VotedChunk,
  hear: Hear,
): Promise<CheckedText> {
  if (checked.words === null) return checked;
  const speech = chunk.regions.map(toTimeSpan);
  const uncovered = uncoveredSpeech(checked.words, speech);
  if (uncovered.length === 0) return checked;
  if (checked.isHopeless) return { ...checked, missing: uncovered };
  const attempted = longestFirst(uncovered).slice(0, MOST_ATTEMPTS);
  const left = uncovered.filter((stretch) => !attempted.includes(stretch));
  const recovered: TimeSpan[] = [];
  const missing: TimeSpan[] = [...left];
  let { words } = checked;
  const found = await Promise.all(attempted.map((stretch) => hearAgain(stretch, chunk, hear)));
  attempted.forEach((stretch, i) => {
    const heardWords = found[i];
    if (!heardWords) return;
    const merged = mergeWords(words, heardWords, stretch);
    words = merged.words;
    (merged.added.length > 0 ? recovered : missing).push(stretch);
  });
  const warnings = left.length > 0 ? [unsearchedWarning(left)] : [];
  return {
    ...checked,
    words,
    text: recovered.length > 0 ? textOfWords(words) : checked.text,
    recovered: recovered.sort(byStart),
    missing: missing.sort(byStart),
    warnings: [...checked.warnings, ...warnings],
  };
}

/** The words of a stretch, in the recording's time; none where they cannot be believed, null where there is no sound. */
async function hearAgain(stretch: Readonly<TimeSpan>, chunk: VotedChunk, hear: Hear) {
  const sounding = cropChunk(chunk, {
    startSample: Math.max(chunk.startSample, toSample(stretch.startSeconds)),
    endSample: Math.min(chunk.endSample, toSample(stretch.endSeconds)),
  });
  const part = cropChunk(chunk, {
    startSample: Math.max(chunk.startSample, sounding.startSample - CONTEXT_SAMPLES),
    endSample: Math.min(chunk.endSample, sounding.endSample + CONTEXT_SAMPLES),
  });
  const heard = await hear(part, {
    align: true,
    ladder: LADDER,
    isInvented: isUnlikely,
    sounding,
  });
  if (heard.decoded.dropped === 'inaudible') return null;
  return isBelieved(heard, part, chunk) ? (heard.words ?? []) : [];
}

function isBelieved(heard: HeardStretch, part: SpeechChunk, chunk: VotedChunk): boolean {
  if (!isBelievedAlone(heard, part, chunk)) return false;
  return strayText(heard.words ?? [], part.regions.map(toTimeSpan)).length === 0;
}

function isUnlikely({ avgLogProb }: LikeliestText): boolean {
  return avgLogProb < LEAST_LOG_PROB_ALONE;
}

function longestFirst(stretches: readonly TimeSpan[]): TimeSpan[] {
  return stretches.toSorted((a, b) => secondsOf([b]) - secondsOf([a]));
}

function byStart(a: TimeSpan, b: TimeSpan): number {
  return a.startSeconds - b.startSeconds;
}

function toSample(seconds: number): number {
  return Math.round(seconds * SAMPLE_RATE);
}
