/** Stand-ins for what the decoder hears in a stretch of speech. */
import type { HeardStretch, HearOptions } from '#origin/pipeline/hear-stretch.ts';
import type { VotedChunk } from '#origin/pipeline/recording-job.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';

const RATE = 16_000;

/** A chunk of English with speech at these seconds, and nothing around it. */
export function chunkWithSpeech(
  speech: readonly (readonly [startSeconds: number, endSeconds: number])[],
): VotedChunk {
  const regions = speech.map(([start, end]) => ({
    startSample: start * RATE,
    endSample: end * RATE,
  }));
  return {
    startSample: regions[0]?.startSample ?? 0,
    endSample: regions.at(-1)?.endSample ?? 0,
    regions,
    vote: { language: 'en', probability: 1, languages: [{ language: 'en', probability: 1 }] },
    textLanguage: 'en',
  };
}

export interface HeardLike {
  readonly text: string;
  /** Words follow one another from here on. */
  readonly atSeconds?: number;
  readonly wordSeconds?: number;
  readonly avgLogProb?: number;
  readonly noSpeechProb?: number;
  readonly removedText?: string;
  readonly dropped?: 'silence' | 'inaudible';
}

export function heardLike(like: HeardLike): HeardStretch {
  const { text, atSeconds = 0, wordSeconds = 0.4 } = like;
  const { avgLogProb = -0.2, noSpeechProb = 0.02 } = like;
  const words = text.split(' ').filter((word) => word !== '');
  return {
    text,
    isWithoutTimes: false,
    alignmentWarning: null,
    words: words.map((word, i) => ({
      text: word,
      startSeconds: atSeconds + i * wordSeconds,
      endSeconds: atSeconds + (i + 1) * wordSeconds,
      score: Math.exp(avgLogProb),
      spaceBefore: i > 0 || atSeconds > 0,
    })),
    decoded: {
      tokenIds: new Int32Array(),
      text,
      tokenLogProbs: new Float32Array(),
      alignment: null,
      avgLogProb,
      noSpeechProb,
      compressionRatio: 1,
      temperature: 0,
      likeliest: { text, avgLogProb, noSpeechProb },
      ...(like.removedText !== undefined && { removedText: like.removedText }),
      ...(like.dropped !== undefined && { dropped: like.dropped }),
    },
  };
}

/** Hears what it is told, and remembers which seconds it was asked for. */
export function hearing(answer: (stretch: SpeechChunk) => HeardLike) {
  const calls: { startSeconds: number; endSeconds: number; options: HearOptions }[] = [];
  const hear = async (stretch: SpeechChunk, options: HearOptions): Promise<HeardStretch> => {
    const [startSeconds, endSeconds] = [stretch.startSample / RATE, stretch.endSample / RATE];
    calls.push({ startSeconds, endSeconds, options });
    return heardLike(answer(stretch));
  };
  return { calls, hear };
}
