/**
 * Looks for a second language inside chunks. Detection of a whole chunk follows its beginning or its end, so a chunk
 * that may be mixed is halved at a pause, each half is judged alone, and again, down to parts of a few seconds. Each
 * part costs a pass of the encoder; chunks that are clear cost nothing.
 */
import { halve } from '#origin/pipeline/cut-chunk.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import {
  certainty,
  isSure,
  type LanguageOpinion,
  mayBeMixed,
} from '#origin/whisper/language-opinion.ts';

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
const LEAST_PART_SECONDS = 1.5;
/** Halvings of one chunk: at most eight parts. */
const MAX_ROUNDS = 3;

/** The parts of each chunk, in order; of chunks that seem clear the chunk itself. */
export async function probeChunks(
  chunks: readonly JudgedPart[],
  { judge, languages }: ProbeDependencies,
  budget: ProbeBudget,
): Promise<readonly (readonly JudgedPart[])[]> {
  budget.beginGroup();
  let parts = chunks.map((chunk): readonly JudgedPart[] => [chunk]);
  let open = findDoubted(chunks, (chunk) => mayBeMixed(chunk.opinion, languages));
  for (let round = 0; round < MAX_ROUNDS && open.length > 0; round++) {
    const halves = await judgeHalves(open.slice(0, Math.floor(budget.passes / 2)), judge);
    if (halves.size === 0) break;
    parts = parts.map((list) => list.flatMap((part) => halves.get(part) ?? [part]));
    const finds = [...halves.values()].filter(
      (pair) => new Set(pair.flatMap(sureLanguage)).size > 1,
    );
    budget.spend(2 * halves.size, finds.length);
    const fresh = new Set([...halves.values()].flat());
    const isUnsure = ({ opinion }: JudgedPart) =>
      certainty(opinion) < FAIRLY_SURE && mayBeMixed(opinion, languages);
    open = findDoubted(parts.flat(), isUnsure).filter((part) => fresh.has(part));
  }
  return parts;
}

/** From this certainty on a half is not halved again for its own sake: noise leaves all parts a little unsure. */
const FAIRLY_SURE = 0.9;

/**
 * Passes of the encoder that probes may take. A recording in one language that is hard to tell looks mixed all the
 * time; there few are made, while each change that is found pays for the next ones.
 */
export class ProbeBudget {
  #passes = FIRST_PASSES;

  /** How many may be made now. */
  get passes(): number {
    return this.#passes;
  }

  beginGroup(): void {
    this.#passes = Math.min(MOST_PASSES, this.#passes + PASSES_PER_GROUP);
  }

  /** So many passes were made, and found so many changes. */
  spend(passes: number, finds: number): void {
    this.#passes = Math.min(MOST_PASSES, this.#passes - passes + finds * PASSES_PER_FIND);
  }
}

const FIRST_PASSES = 8;
const MOST_PASSES = 40;
/** What it takes to find the place of a change, twice. */
const PASSES_PER_FIND = 16;
/** One chunk in eight groups (half an hour) of a recording that never has a second language. */
const PASSES_PER_GROUP = 0.25;

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
 * Parts that can be halved and may be mixed: by their own detection, or since a neighbour is surely in another
 * language, so that the change may be inside this one.
 */
function findDoubted(
  parts: readonly JudgedPart[],
  isUnsure: (part: JudgedPart) => boolean,
): JudgedPart[] {
  return parts.filter((judged, index) => {
    const isDoubted = isUnsure(judged) || differs(judged, [parts[index - 1], parts[index + 1]]);
    return isDoubted && halve(judged.part, LEAST_PART_SECONDS) !== null;
  });
}

function differs(judged: JudgedPart, neighbours: readonly (JudgedPart | undefined)[]): boolean {
  const [own] = sureLanguage(judged);
  const others = neighbours.flatMap((neighbour) => (neighbour ? sureLanguage(neighbour) : []));
  return own !== undefined && others.some((other) => other !== own);
}

function sureLanguage({ opinion }: JudgedPart): string[] {
  return isSure(opinion) ? [opinion.best] : [];
}
