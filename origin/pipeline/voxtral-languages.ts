/** Voxtral does not say what language it heard: the caller does, or Whisper's detection, or the settings do. */
import type { WorkContext } from '#origin/engine/work.ts';
import { withLanguage } from '#origin/pipeline/chunk-languages.ts';
import { mayDegrade } from '#origin/pipeline/may-degrade.ts';
import { type RecordingJob, toTimeSpan, type VotedChunk } from '#origin/pipeline/recording-job.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { LanguageVote } from '#origin/whisper/language-vote.ts';
import { SearchPlan } from '#origin/whisper/search-plan.ts';
import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';
import type { TimeSpan } from '#shared/contracts/transcript.ts';
import { type SttError, SttException } from '#shared/errors.ts';

/** A Whisper that can tell languages apart. */
export interface LanguageJudge {
  /** Canonical name. */
  readonly model: string;
  readonly tokenizer: WhisperTokenizer;
}

export interface FoundLanguages {
  /** In order, of the whole speech. */
  readonly chunks: readonly VotedChunk[];
  /** Where nobody speaks. */
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
  if (language !== undefined) return allIn(certain(language), chunks);
  if (chunks.length === 0) return allIn(assumed, chunks);
  try {
    const judging = { ...job, ...(await openJudge()), plan: new SearchPlan() };
    const voted: VotedChunk[] = [];
    for await (const chunk of withLanguage(inOrder(chunks), judging, context)) voted.push(chunk);
    return { chunks: voted, fallback: assumed, warnings: [] };
  } catch (error) {
    if (context.signal.aborted || !mayDoWithout(error)) throw error;
    const warning = `Which language is spoken could not be found; "${assumed.language}" is assumed.`;
    return allIn(assumed, chunks, [warning]);
  }
}

/** Whisper is an extra here: it may be missing, or have no room. */
export function mayDoWithout(error: unknown): boolean {
  if (error instanceof SttException) return OF_MODELS.has(error.error.kind);
  return mayDegrade(error);
}

const OF_MODELS: ReadonlySet<SttError['kind']> = new Set([
  'unknown_model',
  'model_unavailable',
  'no_memory_for_model',
]);

/** The language that most of the speech in a stretch of the recording is in. */
export function languageOf(span: TimeSpan, { chunks, fallback }: FoundLanguages): LanguageVote {
  const seconds = new Map<string, { vote: LanguageVote; seconds: number }>();
  for (const { vote, regions } of chunks) {
    const shared = regions.reduce(
      (sum, region) => sum + sharedSeconds(toTimeSpan(region), span),
      0,
    );
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

function sharedSeconds(a: TimeSpan, b: TimeSpan): number {
  const end = Math.min(a.endSeconds, b.endSeconds);
  return Math.max(0, end - Math.max(a.startSeconds, b.startSeconds));
}

function allIn(
  vote: LanguageVote,
  chunks: readonly SpeechChunk[],
  warnings: readonly string[] = [],
): FoundLanguages {
  const voted = chunks.map((chunk) => ({ ...chunk, vote, textLanguage: vote.language }));
  return { chunks: voted, fallback: vote, warnings };
}

function certain(language: string): LanguageVote {
  return { language, probability: 1, languages: [{ language, probability: 1 }] };
}

async function* inOrder<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  yield* items;
}
