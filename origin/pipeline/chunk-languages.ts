/**
 * The language of each chunk: as the caller says, or detected. The first chunks vote for the recording's language;
 * every chunk follows it, but where the speech is clearly in another one. A chunk that holds two is cut at the pause
 * between them.
 */
import type { WorkContext } from '#origin/engine/work.ts';
import { joinParts, speechSeconds } from '#origin/pipeline/cut-chunk.ts';
import { type JudgedPart, ProbeBudget, probeChunks } from '#origin/pipeline/language-probes.ts';
import { type RecordingJob, spanOf, type VotedChunk } from '#origin/pipeline/recording-job.ts';
import { givenLanguage } from '#origin/pipeline/recording-language.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { type LanguageOpinion, toOpinion } from '#origin/whisper/language-opinion.ts';
import { LanguagePath } from '#origin/whisper/language-path.ts';
import { type LanguageVote, voteLanguage } from '#origin/whisper/language-vote.ts';

/**
 * Chunks that are judged together, up to four minutes of speech: the first of them vote, past most jingles and
 * greetings, and each group's end tells an odd chunk from a change. As many are decoded in one or two batches.
 */
const GROUP_CHUNKS = 8;

/** @throws SttException `invalid_fields` when the model does not know the languages asked for */
export async function* withLanguage(
  chunks: AsyncIterable<SpeechChunk>,
  job: RecordingJob,
  context: WorkContext,
): AsyncGenerator<VotedChunk, void> {
  const given = givenLanguage(job.options, job.tokenizer);
  if (given) {
    for await (const chunk of chunks) yield voted(chunk, given, job);
    return;
  }
  const judge = new LanguageJudge(job, context);
  for await (const { group, isLast } of inGroups(chunks)) yield* await judge.decide(group, isLast);
}

class LanguageJudge {
  readonly #job: RecordingJob;
  readonly #context: WorkContext;
  readonly #budget = new ProbeBudget();
  #languages: readonly string[] = [];
  /** Null before the first group. */
  #known: { readonly vote: LanguageVote; readonly path: LanguagePath } | null = null;

  constructor(job: RecordingJob, context: WorkContext) {
    this.#job = job;
    this.#context = context;
  }

  async decide(group: readonly SpeechChunk[], isLast: boolean): Promise<VotedChunk[]> {
    const { times } = this.#job;
    const chunks = await times.measure('language', async () => {
      const judged = await this.#judge(group);
      const dependencies = { judge: this.#judge.bind(this), languages: this.#languages };
      return probeChunks(judged, dependencies, this.#budget);
    });
    const parts = chunks.flat();
    this.#known ??= this.#begin(parts);
    const { vote, path } = this.#known;
    const decided = path.decide(
      parts.map(({ opinion }) => opinion),
      { isLast },
    );
    let next = 0;
    return chunks.flatMap((list) => {
      const languages = list.map(() => decided[next++] ?? vote.language);
      return joinEqual(list, languages).map(({ part, opinion, language }) =>
        voted(part, chunkVote(language, opinion, vote), this.#job),
      );
    });
  }

  async #judge(parts: readonly SpeechChunk[]): Promise<readonly JudgedPart[]> {
    const { scheduler, model, waveform, options } = this.#job;
    const spans = parts.map((part) => spanOf(part, waveform));
    const { languages, probabilities } = await scheduler.detectLanguage(
      { model, spans },
      this.#context,
    );
    this.#languages = languages;
    const width = languages.length;
    return parts.map((part, index) => {
      const row = probabilities.subarray(index * width, (index + 1) * width);
      const seconds = speechSeconds(part);
      const limits = { allowed: options.languages, speechSeconds: seconds };
      return { part, row, opinion: toOpinion(languages, row, limits) };
    });
  }

  #begin(parts: readonly JudgedPart[]) {
    const { options, languageHint } = this.#job;
    const ballots = parts.map(({ row, opinion }) => ({
      probabilities: row,
      speechSeconds: opinion.speechSeconds,
    }));
    const limits = { allowed: options.languages, hint: languageHint };
    const vote = voteLanguage(this.#languages, ballots, limits);
    return { vote, path: new LanguagePath(this.#languages, vote) };
  }
}

/** The chunk's own opinion where it is surer of the language than the whole recording is. */
function chunkVote(language: string, opinion: LanguageOpinion, vote: LanguageVote): LanguageVote {
  const share = vote.languages.find((entry) => entry.language === language)?.probability ?? 0;
  const own = opinion.probabilities.get(language) ?? 0;
  if (own <= share) return { language, probability: share, languages: vote.languages };
  const languages = [...opinion.probabilities]
    .map(([code, probability]) => ({ language: code, probability }))
    .sort((a, b) => b.probability - a.probability);
  return { language, probability: own, languages };
}

interface Piece {
  part: SpeechChunk;
  /** Of its longest part. */
  opinion: LanguageOpinion;
  readonly language: string;
}

/** Neighbouring parts of one chunk in one language are one again. */
function joinEqual(parts: readonly JudgedPart[], languages: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  parts.forEach(({ part, opinion }, index) => {
    const language = languages[index] ?? '';
    const last = pieces.at(-1);
    if (last?.language !== language) {
      pieces.push({ part, opinion, language });
      return;
    }
    last.part = joinParts(last.part, part);
    if (opinion.speechSeconds > last.opinion.speechSeconds) last.opinion = opinion;
  });
  return pieces;
}

function voted(chunk: SpeechChunk, vote: LanguageVote, { options }: RecordingJob): VotedChunk {
  const textLanguage = options.task === 'translate' ? 'en' : vote.language;
  return { ...chunk, vote, textLanguage };
}

async function* inGroups(
  chunks: AsyncIterable<SpeechChunk>,
): AsyncGenerator<{ group: SpeechChunk[]; isLast: boolean }, void> {
  let group: SpeechChunk[] = [];
  for await (const chunk of chunks) {
    if (group.length === GROUP_CHUNKS) {
      yield { group, isLast: false };
      group = [];
    }
    group.push(chunk);
  }
  if (group.length > 0) yield { group, isLast: true };
}
