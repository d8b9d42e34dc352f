import { type Bench, type BenchContext, present } from '#test/bench/lib/bench.ts';
import { type Clip, fixtureClips, sharedClips } from '#test/bench/lib/clips.ts';
import { type Contender, transcribeClip } from '#test/bench/lib/contender.ts';
import { errorRate, type WordErrors, wordErrors } from '#test/support/wer.ts';

interface Scored {
  readonly clip: Clip;
  readonly errors: WordErrors;
  readonly language: string | null;
}

/** Word error rates on every recording with a known text. */
export const wer: Bench = {
  name: 'wer',
  summary: 'word error rate on the fixtures and on the real recordings, against faster-whisper',
  async run(context) {
    const fixtures = fixtureClips();
    const real = sharedClips();
    const contenders = present([
      await context.ours(),
      await context.fasterWhisper('batched'),
      await context.fasterWhisper('sequential'),
      await context.whisperx(),
    ]);
    const scored: Scored[][] = [];
    for (const contender of contenders) {
      scored.push(await score(context, contender, [...fixtures, ...real]));
    }
    const row = (label: string, clips: readonly Clip[]) => [
      label,
      String(clips.reduce((sum, clip) => sum + words(scored[0]!, clip), 0)),
      ...scored.map((scores) => cell(scores.filter((s) => clips.includes(s.clip)))),
    ];
    return {
      name: 'wer',
      title: 'Word error rate',
      tables: [
        {
          columns: ['', 'words', ...contenders.map((contender) => contender.name)],
          rows: [
            ...fixtures.map((clip) => row(clip.name, [clip])),
            ...real.map((clip) => row(clip.name, [clip])),
            ...(real.length > 0 ? [row('real recordings pooled', real)] : []),
          ],
        },
      ],
      notes: [
        'Per cent, with the number of wrong words; a language in brackets is a wrong detection.',
        'All rows pass one normaliser (test/support/wer.ts): case, punctuation and digits up to 100 do not count.',
        ...contenders.map((contender) => `${contender.name}: ${contender.settings}.`),
      ],
    };
  },
};

async function score(
  context: BenchContext,
  contender: Contender,
  clips: readonly Clip[],
): Promise<Scored[]> {
  const scores: Scored[] = [];
  for (const clip of clips) {
    const { text, language } = await context.beside(() =>
      transcribeClip(contender, clip, context.options.texts),
    );
    scores.push({ clip, errors: wordErrors(clip.text, text, clip.language), language });
  }
  return scores;
}

function words(scores: readonly Scored[], clip: Clip): number {
  return scores.find((scored) => scored.clip === clip)?.errors.referenceWords ?? 0;
}

function cell(scores: readonly Scored[]): string {
  const errors = scores.map((scored) => scored.errors);
  const wrong = errors.reduce((sum, e) => sum + e.substitutions + e.deletions + e.insertions, 0);
  const misheard = scores
    .filter(({ clip, language }) => language !== null && language !== clip.language)
    .map(({ language }) => ` [${language}]`);
  return `${(100 * errorRate(errors)).toFixed(1)} (${wrong})${misheard.join('')}`;
}
