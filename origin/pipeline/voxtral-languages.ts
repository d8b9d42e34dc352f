/** Voxtral does not say what language it heard: the caller does, or Whisper's detection, or the settings do. */
import type { WorkContext } from '#origin/engine/work.ts';
import { withLanguage } from '#origin/pipeline/chunk-languages.ts';
import { mayDegrade } from '#origin/pipeline/may-degrade.ts';
import { type RecordingJob, toTimeSpan } from '#origin/pipeline/recording-job.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

/** A Whisper that can tell languages apart. */
export interface LanguageJudge {
  /** Canonical name. */
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
}

export interface SpokenStretch extends TimeSpan {
  readonly vote: LanguageVote;
}

export interface FoundLanguages {
  /** In order; a stretch without one is in `fallback`. */
  readonly stretches: readonly SpokenStretch[];
  readonly fallback: LanguageVote;
  readonly warnings: readonly string[];
}

export type LanguageJob = Omit<RecordingJob, 'model' | 'tokenizer' | 'plan'>;

/** @param openJudge asked only where a language has to be found */
export async function findLanguages(
  chunks: readonly SpeechChunk[],
  { job, context }: { readonly job: LanguageJob; readonly context: WorkContext },
  openJudge: () => Promise<LanguageJudge>,
): Promise<FoundLanguages> {
  const { language } = job.options;
  const assumed = { language: job.languageHint, probability: 0, languages: [] };
  if (language !== undefined) return found([], certain(language));
  if (chunks.length === 0) return found([], assumed);
  try {
    const stretches: SpokenStretch[] = [];
    const judging = { ...job, ...(await openJudge()), plan: new SearchPlan() };
    for await (const { vote, regions } of withLanguage(inOrder(chunks), judging, context)) {
      stretches.push(...regions.map((region) => ({ ...toTimeSpan(region), vote })));
    }
    return found(stretches, assumed);
  } catch (error) {
    const isMissing = error instanceof SttException && error.error.kind === 'unknown_model';
    if (context.signal.aborted || (!isMissing && !mayDegrade(error))) throw error;
    const warning = `Which language is spoken could not be found; "${assumed.language}" is assumed.`;
    return found([], assumed, [warning]);
  }
}

/** The language that most of the speech in a stretch of the recording is in. */
export function languageOf(span: TimeSpan, { stretches, fallback }: FoundLanguages): LanguageVote {
  const seconds = new Map<string, { vote: LanguageVote; seconds: number }>();
  for (const { vote, startSeconds, endSeconds } of stretches) {
    const shared =
      Math.min(endSeconds, span.endSeconds) - Math.max(startSeconds, span.startSeconds);
    if (shared <= 0) continue;
    const known = seconds.get(vote.language);
    seconds.set(vote.language, {
      vote: known?.vote ?? vote,
      seconds: (known?.seconds ?? 0) + shared,
    });
  }
  const [most] = [...seconds.values()].sort((a, b) => b.seconds - a.seconds);
  return most?.vote ?? fallback;
}

function found(
  stretches: readonly SpokenStretch[],
  fallback: LanguageVote,
  warnings: readonly string[] = [],
): FoundLanguages {
  return { stretches, fallback, warnings };
}

function certain(language: string): LanguageVote {
  return { language, probability: 1, languages: [{ language, probability: 1 }] };
}

async function* inOrder<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  yield* items;
}
