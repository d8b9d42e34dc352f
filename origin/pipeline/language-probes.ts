/**
 * Looks for a second language inside chunks. Detection of a whole chunk follows its beginning or its end, so a chunk
 * that may be mixed is halved at a pause, each half is judged alone, and again, down to parts of a few seconds. Each
 * part costs a pass of the encoder; chunks that are clear cost nothing.
 */
import { halve } from '#origin/pipeline/cut-chunk.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { certainty, type LanguageOpinion, mayBeMixed } from '#origin/whisper/language-opinion.ts';

/** A stretch of a chunk and what detection says of it. */
export interface JudgedPart {
  readonly part: SpeechChunk;
  /** The detector's own row: probability per language. */
  readonly row: ArrayLike<number>;
  readonly opinion: LanguageOpinion;
}

export interface ProbeDependencies {
  readonly judge: (parts: readonly SpeechChunk[]) => Promise<readonly JudgedPart[]>;
  /** In the model's order. */
  readonly languages: readonly string[];
}

/** Less speech than this says little of its language. */
const LEAST_PART_SECONDS = 2;
/** Halvings of one chunk: at most eight parts. */
const MAX_ROUNDS = 3;
/** From this certainty on, neighbours that differ are taken for a change of language. */
const SURE = 0.8;

/** The parts of each chunk, in order; of chunks that seem clear the chunk itself. */
export async function probeChunks(
  chunks: readonly JudgedPart[],
  { judge, languages }: ProbeDependencies,
  budget: ProbeBudget,
): Promise<readonly (readonly JudgedPart[])[]> {
  const doubted = findDoubted(chunks, languages);
  const probed = new Set(doubted.slice(0, budget.take(doubted.length)));
  let parts = chunks.map((chunk): readonly JudgedPart[] => [chunk]);
  let open: ReadonlySet<JudgedPart> = probed;
  for (let round = 0; round < MAX_ROUNDS && open.size > 0; round++) {
    const halves = await judgeHalves([...open], judge);
    parts = parts.map((list) => list.flatMap((part) => halves.get(part) ?? [part]));
    const fresh = new Set([...halves.values()].flat());
    open = new Set(findDoubted(parts.flat(), languages).filter((part) => fresh.has(part)));
  }
  const isMixed = (list: readonly JudgedPart[]) => new Set(list.flatMap(sureLanguage)).size > 1;
  budget.giveBack(parts.filter(isMixed).length);
  return parts;
}

/**
 * How many chunks may be probed. A recording in one language that is hard to tell looks mixed all the time; after some
 * probes in vain only few are made, while each that finds a change pays for the next ones.
 */
export class ProbeBudget {
  #credit = FIRST_PROBES;

  /** How many of `wanted` probes may be made now. */
  take(wanted: number): number {
    const granted = Math.min(wanted, Math.floor(this.#credit));
    this.#credit = Math.min(MOST_PROBES, this.#credit - granted + PROBES_PER_GROUP);
    return granted;
  }

  /** So many probes found a change. */
  giveBack(found: number): void {
    this.#credit = Math.min(MOST_PROBES, this.#credit + found * PROBES_PER_FIND);
  }
}

const FIRST_PROBES = 4;
const MOST_PROBES = 16;
const PROBES_PER_FIND = 3;
/** One probe in four groups (16 minutes) of a recording that never has a second language. */
const PROBES_PER_GROUP = 0.25;

async function judgeHalves(
  open: readonly JudgedPart[],
  judge: ProbeDependencies['judge'],
): Promise<ReadonlyMap<JudgedPart, readonly JudgedPart[]>> {
  const pairs = open.flatMap((judged) => {
    const pair = halve(judged.part, LEAST_PART_SECONDS);
    return pair ? [{ judged, pair }] : [];
  });
  if (pairs.length === 0) return new Map();
  const halves = await judge(pairs.flatMap(({ pair }) => pair));
  return new Map(
    pairs.map(({ judged }, index) => [judged, halves.slice(2 * index, 2 * index + 2)]),
  );
}

/**
 * Parts that may be mixed and can be halved: by their own detection, or since a neighbour is surely in another
 * language, so that the change may be inside this one.
 */
function findDoubted(parts: readonly JudgedPart[], languages: readonly string[]): JudgedPart[] {
  return parts.filter((judged, index) => {
    const neighbours = [parts[index - 1], parts[index + 1]];
    const isDoubted = mayBeMixed(judged.opinion, languages) || differs(judged, neighbours);
    return isDoubted && halve(judged.part, LEAST_PART_SECONDS) !== null;
  });
}

function differs(judged: JudgedPart, neighbours: readonly (JudgedPart | undefined)[]): boolean {
  const [own] = sureLanguage(judged);
  const others = neighbours.flatMap((neighbour) => (neighbour ? sureLanguage(neighbour) : []));
  return own !== undefined && others.some((other) => other !== own);
}

function sureLanguage({ opinion }: JudgedPart): string[] {
  return certainty(opinion) >= SURE ? [opinion.best] : [];
}
