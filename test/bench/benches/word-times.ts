import { type Bench, type BenchContext, present } from '#test/bench/lib/bench.ts';
import { type Clip, sharedClips, type TimedWord } from '#test/bench/lib/clips.ts';
import { type Contender, transcribeClip } from '#test/bench/lib/contender.ts';
import { median } from '#test/bench/lib/statistics.ts';
import { type WordTimeErrors, wordTimeErrors } from '#test/bench/lib/word-time-errors.ts';

type TimedClip = Clip & { readonly words: readonly TimedWord[] };

/** How far the word times are from the reference's. */
export const wordTimes: Bench = {
  name: 'word-times',
  summary: 'median absolute error of word starts and ends on the clips with word times',
  async run(context) {
    const clips = sharedClips().filter((clip): clip is TimedClip => clip.words !== null);
    if (clips.length === 0)
      throw new Error('the clips with word times lie in ../shared/audio only');
    const contenders = present([await context.ours(), await context.fasterWhisper('words')]);
    const rows: string[][] = [];
    for (const contender of contenders) {
      const errors = await measure(context, contender, clips);
      rows.push(...clips.map((clip, index) => row(contender, clip.name, [errors[index]!])));
      rows.push(row(contender, 'all', errors));
    }
    return {
      name: 'word-times',
      title: 'Word times',
      tables: [
        {
          columns: ['', 'clip', 'words found', 'start: median s', 'mean', 'worst', 'end: median s'],
          rows,
        },
      ],
      notes: [
        'Absolute errors in seconds against ../shared/audio/words.json, over the words that were recognised.',
        'Some reference words there have the same start and end; they count like the others.',
        ...contenders.map((contender) => `${contender.name}: ${contender.settings}.`),
      ],
    };
  },
};

async function measure(
  context: BenchContext,
  contender: Contender,
  clips: readonly TimedClip[],
): Promise<WordTimeErrors[]> {
  const errors: WordTimeErrors[] = [];
  for (const clip of clips) {
    const { words } = await context.beside(() =>
      transcribeClip(contender, clip, context.options.texts),
    );
    if (words === null) throw new Error(`${contender.name} gave no word times for ${clip.name}`);
    errors.push(wordTimeErrors(clip.words, words, clip.language));
  }
  return errors;
}

function row(contender: Contender, clip: string, errors: readonly WordTimeErrors[]): string[] {
  const starts = errors.flatMap((e) => e.start).map(Math.abs);
  const ends = errors.flatMap((e) => e.end).map(Math.abs);
  const total = errors.reduce((sum, e) => sum + e.referenceWords, 0);
  if (starts.length === 0) return [contender.name, clip, `0 of ${total}`, '-', '-', '-', '-'];
  const mean = starts.reduce((sum, value) => sum + value, 0) / starts.length;
  const seconds = [median(starts), mean, Math.max(...starts), median(ends)];
  return [
    contender.name,
    clip,
    `${starts.length} of ${total}`,
    ...seconds.map((value) => value.toFixed(3)),
  ];
}
