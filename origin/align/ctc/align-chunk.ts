import {
  type AlignedWordsOptions,
  alignedWords,
  type ChunkAlignment,
  type PlannedEmissions,
} from '#origin/align/ctc/aligned-words.ts';
import { type AlignmentFailure, forcedAlign } from '#origin/align/ctc/forced-align.ts';
import { emissionMatrix } from '#origin/align/ctc/plan.ts';
import type { AlignedWord } from '#origin/align/words.ts';
import { ok, type Result } from '#shared/result.ts';

/**
 * Times for a planned chunk, once the engine has answered: path, then words. See {@link alignedWords}.
 *
 * @example
 * const plan = planAlignment(words, vocabulary, { language, speller });
 * const [emissions] = await engine.emissions({ model, items: [{ span, columns: plan.columns }] });
 * const aligned = alignChunk(words, { plan, emissions }, { chunkStartSeconds, chunkEndSeconds, withCharacters });
 */
export function alignChunk(
  words: readonly AlignedWord[],
  chunk: PlannedEmissions,
  options: AlignedWordsOptions,
): Result<ChunkAlignment, AlignmentFailure> {
  const { plan, emissions } = chunk;
  const path = forcedAlign(emissionMatrix(emissions, plan), plan.targets);
  if (!path.ok) return path;
  return ok(alignedWords(words, { ...chunk, path: path.value }, options));
}
