/**
 * Is a text what somebody said, or did the model make it up over noise, music or silence? No single sign tells: real
 * speech in bad recordings is unlikely to the model too, people repeat themselves and say "thank you". So the signs
 * are added up, each by its strength, and only several together speak against a text.
 *
 * Weights and limits were set on 60 recordings: made sounds without words (two points and more), clean and noisy
 * speech down to 5 dB below white noise in four languages, meetings, repeated words (1.8 points and fewer).
 */
import { isBoilerplate } from '#origin/truth/boilerplate.ts';
import { letterCount } from '#origin/truth/comparable-text.ts';
import { longestRepetition } from '#origin/truth/repetition.ts';

/** What is known of a text. What is absent says nothing. */
export interface TextEvidence {
  readonly text: string;
  /** Seconds that voice activity heard. */
  readonly speechSeconds: number;
  /** Mean log-probability of the most likely text of the stretch, at temperature 0. */
  readonly avgLogProb: number;
  readonly noSpeechProb: number;
  /** Of the language, where it was detected and not given. */
  readonly languageProbability?: number | undefined;
  /** Share of the words to which the alignment gives no time at all. */
  readonly timelessShare?: number | undefined;
  /** Mean over the words of the forced alignment, 0..1. */
  readonly alignmentScore?: number | undefined;
}

/** `keep`: somebody said it. `doubt`: may be invented; say so. `reject`: decode again, then leave out. */
export type Verdict = 'keep' | 'doubt' | 'reject';

export interface Judgement {
  readonly verdict: Verdict;
  /** Points against the text. */
  readonly points: number;
  /** The strongest sign, as the end of a sentence: "it repeats itself". */
  readonly reason: string;
}

export const REJECT_POINTS = 2;
export const DOUBT_POINTS = 1.85;

/** From this mean probability on (0.61) a text is heard, not guessed, unless the model denies that there is speech. */
const SURE_LOG_PROB = -0.5;

/**
 * Even wrong words of the right language match some of the sound better than this. Not calibrated: set low, so that the
 * aligner can only add to what the other signs say.
 */
const LEAST_ALIGNMENT_SCORE = 0.2;

export function judgeText(evidence: TextEvidence): Judgement {
  const signs = signsOf(evidence);
  const points = signs.reduce((sum, sign) => sum + sign.points, 0);
  const strongest = signs.reduce((best, sign) => (sign.points > best.points ? sign : best));
  const verdict = points >= REJECT_POINTS ? 'reject' : points >= DOUBT_POINTS ? 'doubt' : 'keep';
  return { verdict, points, reason: strongest.reason };
}

interface Sign {
  readonly points: number;
  readonly reason: string;
}

function signsOf(evidence: TextEvidence): readonly [Sign, ...Sign[]] {
  const { text, avgLogProb, noSpeechProb, speechSeconds } = evidence;
  const isSure = avgLogProb >= SURE_LOG_PROB;
  // Repetition and known phrases are how people talk too: a text that is clearly heard is not held to them.
  const suspicion = isSure ? 0.5 : 1;
  return [
    { points: 1.5 * rise(avgLogProb, -0.9, -1.8), reason: 'the model is not sure of any of it' },
    { points: rise(noSpeechProb, 0, 0.6), reason: 'there seems to be no speech' },
    {
      points: rise(evidence.languageProbability ?? 1, 0.6, 0.2),
      reason: 'it is in no language that can be told',
    },
    { points: rise(evidence.timelessShare ?? 0, 0, 1), reason: 'no sound belongs to its words' },
    { points: suspicion * repeatedShare(text), reason: 'it repeats itself' },
    {
      points: suspicion * (isBoilerplate(text) ? 1 : 0),
      reason: 'the model is known to invent it where nobody speaks',
    },
    {
      points: isSure ? 0 : sparseness(text, speechSeconds),
      reason: 'it is far too short for the sound',
    },
    {
      points:
        evidence.alignmentScore === undefined
          ? 0
          : rise(evidence.alignmentScore, LEAST_ALIGNMENT_SCORE, 0),
      reason: 'its words do not match the sound',
    },
  ];
}

/** 0 at `from` and before, 1 at `to` and beyond, linear between; either may be the larger. */
function rise(value: number, from: number, to: number): number {
  return Math.max(0, Math.min(1, (value - from) / (to - from)));
}

function repeatedShare(text: string): number {
  const words = text.trim().split(/\s+/u);
  const repetition = longestRepetition(words);
  return repetition ? (repetition.endWord - repetition.firstWord) / words.length : 0;
}

/** Letters a second over some seconds: meetings have 6 and more, signs of Chinese 4. A single word may stand alone. */
function sparseness(text: string, speechSeconds: number): number {
  return speechSeconds < 2.5 ? 0 : rise(letterCount(text) / speechSeconds, 2.5, 0.5);
}
