/**
 * Text that nobody said → decoded again, then left out, and the answer says so. `origin/truth` holds the rules; this
 * is what follows from them.
 */
import { joinTexts } from '#origin/align/unspaced-scripts.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { Hear, HeardStretch } from '#origin/pipeline/hear-stretch.ts';
import { toTimeSpan, type VotedChunk } from '#origin/pipeline/recording-job.ts';
import { type Judgement, judgeText, type TextEvidence } from '#origin/truth/judge-text.ts';
import { leftOutWarning, mayBeInventedWarning } from '#origin/truth/say-what-was-done.ts';
import { secondsOf } from '#origin/truth/spans.ts';
import { strayText, textOfWords, timelessShare } from '#origin/truth/stray-text.ts';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { LikeliestText } from '#origin/whisper/decode-with-fallback.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';

/** A chunk's text on its way through the checks. */
export interface CheckedText {
  readonly text: string;
  /** Null where times were not asked for or could not be found. */
  readonly words: readonly AlignedWord[] | null;
  readonly isWithoutTimes: boolean;
  readonly recovered: readonly TimeSpan[];
  readonly missing: readonly TimeSpan[];
  readonly warnings: readonly string[];
  /** It was decoded a second time in parts, and nothing came of it. */
  readonly isHopeless: boolean;
}

/**
 * The likeliest text of a stretch has so much against it that other temperatures need not be tried: over music they
 * cost ten times the first attempt and give other inventions, and the worst heard speech does not become clear by them.
 */
export function isPlainlyInvented(chunk: VotedChunk): (likeliest: LikeliestText) => boolean {
  return (likeliest) =>
    judgeText({ ...likeliest, ...knownOf(chunk, chunk) }).points >= MOST_POINTS_TO_SAMPLE;
}

const MOST_POINTS_TO_SAMPLE = 1.4;

export async function dropInvented(
  heard: HeardStretch,
  chunk: VotedChunk,
  hear: Hear,
): Promise<CheckedText> {
  const span = toTimeSpan(chunk);
  const judgement = judgeHeard(heard, chunk, chunk);
  const checked = { ...withoutStray(heard, chunk), isHopeless: false };
  if (judgement.verdict === 'keep' || heard.text === '') return checked;
  if (judgement.verdict === 'doubt') {
    const warning = mayBeInventedWarning(heard.text, span, judgement.reason);
    return { ...checked, warnings: [...checked.warnings, warning] };
  }
  const parts = await Promise.all(
    halves(chunk).map(async (part) => {
      const again = await hear(part, { align: true, ladder: [0] });
      return isBelievedAlone(again, part, chunk) ? withoutStray(again, part) : null;
    }),
  );
  const believed = parts.filter((part) => part !== null).filter(({ text }) => text !== '');
  const isWithoutTimes = believed.some(({ words }) => words === null);
  const warning = leftOutWarning(heard.text, span, judgement.reason);
  return {
    text: joinTexts(believed.map(({ text }) => text)),
    words: isWithoutTimes ? null : believed.flatMap(({ words }) => words ?? []),
    isWithoutTimes,
    recovered: [],
    missing: [],
    warnings: [warning, ...believed.flatMap(({ warnings }) => warnings)],
    isHopeless: believed.length === 0,
  };
}

/** What speaks against a heard text. */
export function judgeHeard(
  { text, words, decoded, alignmentScore }: HeardStretch,
  stretch: SpeechChunk,
  chunk: VotedChunk,
): Judgement {
  const { avgLogProb, noSpeechProb } = decoded.likeliest ?? decoded;
  const share = words ? timelessShare(words) : undefined;
  const evidence = { text, avgLogProb, noSpeechProb, timelessShare: share, alignmentScore };
  return judgeText({ ...evidence, ...knownOf(stretch, chunk) });
}

/**
 * A text that was found where a first attempt found none, or an invented one: it must be likely and have hardly a sign
 * against it.
 */
export function isBelievedAlone(
  heard: HeardStretch,
  stretch: SpeechChunk,
  chunk: VotedChunk,
): boolean {
  const { avgLogProb } = heard.decoded.likeliest ?? heard.decoded;
  if (heard.text === '' || avgLogProb < LEAST_LOG_PROB_ALONE) return false;
  return judgeHeard(heard, stretch, chunk).points < MOST_POINTS_ALONE;
}

export const LEAST_LOG_PROB_ALONE = -0.8;
const MOST_POINTS_ALONE = 1;

function knownOf(
  stretch: SpeechChunk,
  { vote }: VotedChunk,
): Pick<TextEvidence, 'speechSeconds' | 'languageProbability'> {
  const found = vote.languages.find(({ language }) => language === vote.language);
  return {
    speechSeconds: secondsOf(stretch.regions.map(toTimeSpan)),
    languageProbability: found?.probability,
  };
}

/** Takes out what decoding cut away or silence made up, and sentences that lie outside all speech. */
function withoutStray(
  { text, words, isWithoutTimes, decoded }: HeardStretch,
  stretch: SpeechChunk,
): Omit<CheckedText, 'isHopeless'> {
  const span = toTimeSpan(stretch);
  const warnings: string[] = [];
  if (decoded.removedText !== undefined) {
    const reason = decoded.dropped ? 'there seems to be no speech' : 'it repeats itself';
    warnings.push(leftOutWarning(decoded.removedText, span, reason));
  }
  const unchanged = { text, words, isWithoutTimes, recovered: [], missing: [], warnings };
  const stray = words ? strayText(words, stretch.regions.map(toTimeSpan)) : [];
  if (words === null || stray.length === 0) return unchanged;
  for (const { firstWord, endWord, reason } of stray) {
    const run = words.slice(firstWord, endWord);
    const where = {
      startSeconds: run[0]?.startSeconds ?? span.startSeconds,
      endSeconds: run.at(-1)?.endSeconds ?? span.endSeconds,
    };
    warnings.push(leftOutWarning(textOfWords(run), where, reason));
  }
  const kept = words.filter(
    (_, i) => !stray.some(({ firstWord, endWord }) => i >= firstWord && i < endWord),
  );
  return { ...unchanged, text: textOfWords(kept), words: kept };
}

/** A stretch in two, cut at its longest pause in the middle half, or in the middle. Short ones stay whole. */
function halves(chunk: SpeechChunk): readonly SpeechChunk[] {
  const { startSample, endSample, regions } = chunk;
  const length = endSample - startSample;
  if (length < LEAST_HALVED_SAMPLES) return [chunk];
  let [cut, longest] = [startSample + (length >> 1), 0];
  regions.forEach((region, i) => {
    const pauseStart = regions[i - 1]?.endSample ?? region.startSample;
    const middle = (pauseStart + region.startSample) >> 1;
    const isCentral = Math.abs(middle - startSample - length / 2) < length / 4;
    const pause = region.startSample - pauseStart;
    if (isCentral && pause > longest) [cut, longest] = [middle, pause];
  });
  return [
    cropChunk(chunk, { startSample, endSample: cut }),
    cropChunk(chunk, { startSample: cut, endSample }),
  ].filter((half) => half.regions.length > 0);
}

/** 4 s: the model hears less in a shorter half than in the whole. */
const LEAST_HALVED_SAMPLES = 64_000;

/** The part of a chunk that lies in a range. */
export function cropChunk(chunk: SpeechChunk, range: SampleRange): SpeechChunk {
  const regions = chunk.regions
    .map((region) => ({
      startSample: Math.max(region.startSample, range.startSample),
      endSample: Math.min(region.endSample, range.endSample),
    }))
    .filter((region) => region.startSample < region.endSample);
  return { ...range, regions };
}
