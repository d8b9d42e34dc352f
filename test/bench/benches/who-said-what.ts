import type { Bench } from '#test/bench/lib/bench.ts';
import { type SpokenClip, spokenClips, type TimedWord } from '#test/bench/lib/clips.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { cpWordErrors, wrongSpeakers } from '#test/support/cpwer.ts';
import { errorRate, type WordErrors, wordErrors } from '#test/support/wer.ts';

/** Words and their speakers together, end to end. */
export const whoSaidWhat: Bench = {
  name: 'who-said-what',
  summary: 'cpWER: word errors with speakers counted in, end to end over HTTP',
  async run(context) {
    const server = await context.server();
    const rows: string[][] = [];
    for (const clip of spokenClips()) {
      const answer = await context.beside(() =>
        transcribeOverHttp(server.baseUrl, clip.path, { fields: { diarize: 'true' } }),
      );
      rows.push(rowOf(clip, answer.text, answer.words ?? []));
    }
    return {
      name: 'who-said-what',
      title: 'Who said what',
      tables: [{ columns: ['', 'speakers', 'WER', 'cpWER', 'words with a wrong speaker'], rows }],
      notes: [
        'cpWER, the concatenated minimum-permutation word error rate: the words of each speaker are joined, speakers are paired so that the errors are fewest, and the errors of all pairs count.',
        'Words with a wrong speaker: of those that both texts have.',
      ],
    };
  },
};

function rowOf(clip: SpokenClip, text: string, words: readonly TimedWord[]): string[] {
  const { name, said, language } = clip;
  const heard = words.map(({ word, speaker = 'nobody' }) => ({ speaker, text: word }));
  const reference = said.map((part) => part.text).join(' ');
  const { wrong, compared } = wrongSpeakers(said, heard, language);
  const count = (parts: readonly { readonly speaker: string }[]) =>
    new Set(parts.map(({ speaker }) => speaker)).size;
  return [
    name,
    `${count(heard)} of ${count(said)}`,
    cell(wordErrors(reference, text, language)),
    cell(cpWordErrors(said, heard, language)),
    `${wrong} of ${compared}`,
  ];
}

function cell(errors: WordErrors): string {
  return `${(100 * errorRate([errors])).toFixed(1)} %`;
}
