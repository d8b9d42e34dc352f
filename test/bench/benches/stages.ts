import { audioSeconds } from '#test/bench/lib/audio-files.ts';
import type { Bench } from '#test/bench/lib/bench.ts';
import { clipNamed } from '#test/bench/lib/clips.ts';
import type { Contender } from '#test/bench/lib/contender.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { interleave, timingTable } from '#test/bench/lib/rounds.ts';

const CLIPS = ['en_long.flac', 'en_dialogue.flac'];

/** What word times and speakers add to the time of the text alone. */
export const stages: Bench = {
  name: 'stages',
  summary: 'text alone, with word times, and with speakers too: what each adds to the time',
  async run(context) {
    const server = await context.server();
    const asked = (name: string, fields: Record<string, string>): Contender => ({
      name,
      settings: JSON.stringify(fields),
      transcribe: (file) => transcribeOverHttp(server.baseUrl, file, { fields }),
    });
    const contenders = [
      asked('text alone', { align: 'false' }),
      asked('with word times', { align: 'true' }),
      asked('with word times and speakers', { align: 'true', diarize: 'true' }),
    ];
    const tables = [];
    for (const clip of CLIPS) {
      const { path } = clipNamed(clip);
      const table = timingTable(
        await interleave(context, contenders, path),
        await audioSeconds(path),
      );
      tables.push({ ...table, columns: [clip, ...table.columns.slice(1)] });
    }
    return {
      name: 'stages',
      title: 'What word times and speakers cost',
      tables,
      notes: [
        'Runs are interleaved. Embedded models: word times come from the attention of the decoder, no aligner is installed.',
        context.otherLoad(),
      ],
    };
  },
};
