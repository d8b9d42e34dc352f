import type { AlignmentPlan } from '#origin/align/ctc/plan.ts';
import type { SignVocabulary } from '#origin/align/ctc/vocabulary.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import type { Emissions } from '#origin/engine/protocol.ts';

/** A vocabulary of these characters: ids from 2 on; 0 is the blank, 1 the delimiter. */
export function vocabularyOf(characters: string, wordDelimiterId: number | null = 1) {
  const ids = new Map(Array.from(characters, (character, index) => [character, index + 2]));
  return {
    blankId: 0,
    wordDelimiterId,
    idOf: (character) => ids.get(character) ?? null,
  } satisfies SignVocabulary;
}

export const ENGLISH = vocabularyOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ'");

/** The words of a text as `wordTimes` gives them, laid evenly over the seconds. */
export function wordsOf(text: string, durationSeconds = 10): AlignedWord[] {
  const parts = text.split(' ').filter((part) => part !== '');
  return parts.map((part, index) => ({
    text: part,
    startSeconds: (durationSeconds * index) / parts.length,
    endSeconds: (durationSeconds * (index + 1)) / parts.length,
    score: 0.9,
    spaceBefore: index > 0,
  }));
}

/**
 * Emissions of a model that hears a sign in each frame: `_` is the blank, `|` the delimiter, a space is nothing.
 * Signs that the plan did not ask for are heard by the wildcard only, as in the engine.
 */
export function emissionsOf(
  heard: string,
  plan: AlignmentPlan,
  { vocabulary = ENGLISH as SignVocabulary, sure = 0.98, unsure = 1e-4 } = {},
): Emissions {
  const frames = Array.from(heard.replaceAll(' ', ''));
  const width = plan.columns.length + 1;
  const logProbs = new Float32Array(frames.length * width).fill(Math.log(unsure));
  frames.forEach((sign, frame) => {
    const id =
      sign === '_'
        ? vocabulary.blankId
        : sign === '|'
          ? vocabulary.wordDelimiterId
          : vocabulary.idOf(sign);
    const column = plan.columns.indexOf(id ?? -1);
    if (column >= 0) logProbs[frame * width + column] = Math.log(sure);
    if (sign !== '_') logProbs[frame * width + width - 1] = Math.log(sure);
  });
  return { logProbs, frames: frames.length, frameSamples: 320 };
}

/** Seconds at which a frame begins in a chunk that starts the recording. */
export function frameSeconds(frame: number): number {
  return 0.0025 + frame * 0.02;
}
