/** Which language a recording is in: as the caller says, or by a vote over its first chunks of speech. */
import { type LanguageVote, voteLanguage } from '#origin/whisper/language-vote.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';

/** Chunks that vote: about two minutes of speech, past most jingles and greetings. */
export const VOTING_CHUNKS = 5;

export interface LanguageDetection {
  readonly languages: readonly string[];
  /** Row-major (ballots, languages). */
  readonly probabilities: Float32Array;
}

/** The language when no detection is needed: the caller's, or that of an English-only model. */
export function givenLanguage(
  options: Pick<TranscribeOptions, 'language' | 'languages'>,
  model: { readonly isMultilingual: boolean },
): LanguageVote | null {
  if (!model.isMultilingual) return certain('en');
  if (options.language !== undefined) return certain(options.language);
  const [only, ...others] = options.languages ?? [];
  return only !== undefined && others.length === 0 ? certain(only) : null;
}

export function votedLanguage(
  detection: LanguageDetection,
  speechSeconds: readonly number[],
  options: { readonly allowed: readonly string[] | undefined; readonly hint: string },
): LanguageVote {
  const width = detection.languages.length;
  const ballots = speechSeconds.map((seconds, row) => ({
    probabilities: detection.probabilities.subarray(row * width, (row + 1) * width),
    speechSeconds: seconds,
  }));
  return voteLanguage(detection.languages, ballots, options);
}

function certain(language: string): LanguageVote {
  return { language, probability: 1, languages: [{ language, probability: 1 }] };
}
