import { z } from 'zod';
import type { Bench, BenchContext } from '#test/bench/lib/bench.ts';
import { type Clip, fixtureClips, sharedClips } from '#test/bench/lib/clips.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { NON_SPEECH } from '#test/support/non-speech.ts';
import { type Splices, splice } from '#test/support/spliced-speech.ts';
import { scaledSound, soundOf, wavFile } from '#test/support/synthetic-sound.ts';
import { alignWords, normalizeWords } from '#test/support/wer.ts';

const Answer = z.object({
  text: z.string(),
  coverage: z.object({
    speech_seconds: z.number(),
    transcribed_seconds: z.number(),
    recovered: z.array(z.unknown()),
  }),
  warnings: z.array(z.string()),
});
type Answer = z.infer<typeof Answer>;

const SOUND_SECONDS = 15;
const LEVELS_DB = [0, -20, -40];

const PAUSES = { pauses: 20, pauseSeconds: [0.3, 5] as const };
const SPLICES: Readonly<Record<string, Splices>> = {
  'pauses, pieces at -30 to 0 dB': { ...PAUSES, seed: 1, quietestDb: -30 },
  'pauses, pieces at -20 to 0 dB, noise at -50 dB': {
    ...PAUSES,
    seed: 2,
    quietestDb: -20,
    noiseDb: -50,
  },
};

/** Both truth checks: words where nobody speaks, and speech that gets no words. */
export const truth: Bench = {
  name: 'truth',
  summary: 'words invented over sounds without speech; speech found again among pauses and levels',
  async run(context) {
    const clips = [...fixtureClips(), ...sharedClips()];
    return {
      name: 'truth',
      title: 'Invented and skipped speech',
      tables: [await inventedTable(context), await coverageTable(context, clips)],
      notes: [
        `First table: words that came out of ${SOUND_SECONDS} s of each sound (test/support/non-speech.ts), at three levels.`,
        'Second table: 20 pauses of 0.3 to 5 s cut into the recording where it is quietest (also within words), fewer where it is short;',
        'coverage is what the answer reports; recall is the share of the reference words that come out, by the normaliser of the word error rate.',
      ],
    };
  },
};

async function inventedTable(context: BenchContext) {
  const rows: string[][] = [];
  for (const [name, make] of Object.entries(NON_SPEECH)) {
    const cells: string[] = [];
    for (const language of [undefined, 'en']) {
      const counts: number[] = [];
      for (const level of LEVELS_DB) {
        const sound = scaledSound(make(), level);
        const { text } = await ask(context, wavFile('sound.wav', SOUND_SECONDS, sound), language);
        counts.push(normalizeWords(text).length);
      }
      cells.push(counts.join(' / '));
    }
    rows.push([name, ...cells]);
  }
  const levels = LEVELS_DB.map((level) => `${level} dB`).join(' / ');
  return { columns: ['sound', `words at ${levels}`, 'the same with language=en'], rows };
}

async function coverageTable(context: BenchContext, clips: readonly Clip[]) {
  const rows: string[][] = [];
  for (const clip of clips) {
    const samples = await decodedSamples(clip.path);
    const versions = { plain: samples, ...mapValues(SPLICES, (how) => splice(samples, how)) };
    for (const [version, changed] of Object.entries(versions)) {
      const file = wavFile('speech.wav', changed.length / 16_000, soundOf(changed));
      const answer = await ask(context, file, clip.language);
      rows.push([clip.name, version, ...figures(clip, answer)]);
    }
  }
  const columns = ['recording', 'version', 'coverage %', 'recovered', 'recall %', 'words too many'];
  return { columns: [...columns, 'warnings'], rows };
}

function figures(clip: Clip, { text, coverage, warnings }: Answer): string[] {
  const reference = normalizeWords(clip.text, clip.language);
  const { hits, insertions } = alignWords(reference, normalizeWords(text, clip.language));
  const covered = coverage.transcribed_seconds / Math.max(0.001, coverage.speech_seconds);
  return [
    (100 * covered).toFixed(1),
    String(coverage.recovered.length),
    ((100 * hits.length) / reference.length).toFixed(1),
    String(insertions),
    String(warnings.length),
  ];
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, map: (value: V) => R) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

async function ask(context: BenchContext, file: File, language?: string): Promise<Answer> {
  const { baseUrl } = await context.server();
  const form = new FormData();
  form.append('file', file);
  if (language !== undefined) form.append('language', language);
  return context.beside(async () => {
    const response = await fetch(`${baseUrl}/transcribe`, { method: 'POST', body: form });
    return Answer.parse(await response.json());
  });
}
