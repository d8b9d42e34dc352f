import type { Bench } from '#test/bench/lib/bench.ts';
import { type Diarizer, openDiarizer } from '#test/bench/lib/diarization.ts';
import {
  AMI_CLIPS,
  AMI_QUIET_CLIPS,
  type DiarizationClip,
  dialogueClip,
  hasSharedAudio,
  meetingClip,
  telephoneClip,
} from '#test/bench/lib/diarization-clips.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { type DiarizationErrors, derOf, errorRateOf } from '#test/support/der.ts';

/** Frames of 16.875 ms: 1, 1.25 and 2.5 s. */
const HOPS = [59, 74, 148];
/** Of the encoder's own. */
const SEPARATIONS = [0.8, 0.9, 1, 1.1, 1.2];

/** Who speaks when, against the truth. */
export const diarization: Bench = {
  name: 'diarization',
  summary: 'diarization error rate with its parts, and how it moves with hop and threshold',
  async run(context) {
    const clips = knownClips();
    const diarizer = await openDiarizer(context.options.threads, process.env);
    try {
      return await context.beside(async () => ({
        name: 'diarization',
        title: 'Speakers',
        tables: [await perClip(diarizer, clips), await sensitivity(diarizer, clips)],
        notes: [
          'Diarization error rate as pyannote.metrics counts it: no collar, overlaps scored; parts of reference speech.',
          `Models: ${diarizer.models.join(', ')}; windows 1.25 s apart.`,
          'ami_trn01 and ami_trn02 hold almost no speech by the reference; the pools are with and without them.',
        ],
      }));
    } finally {
      await diarizer.release();
    }
  },
};

function knownClips(): DiarizationClip[] {
  if (!hasSharedAudio()) {
    console.error('skipped: the recordings of ../shared/audio are not on this machine');
    return [dialogueClip()];
  }
  const meetings = [...AMI_CLIPS, ...AMI_QUIET_CLIPS].map(meetingClip);
  return [dialogueClip(), telephoneClip(), ...meetings];
}

interface Scored {
  readonly name: string;
  readonly errors: DiarizationErrors;
  readonly speakers: string;
}

async function score(
  diarizer: Diarizer,
  clips: readonly DiarizationClip[],
  settings: Parameters<Diarizer['diarize']>[1] = {},
): Promise<Scored[]> {
  const scored: Scored[] = [];
  for (const { name, path, turns } of clips) {
    const { diarization } = await diarizer.diarize(await decodedSamples(path), settings);
    const expected = new Set(turns.map(({ speaker }) => speaker)).size;
    const speakers = `${diarization.speakers.length} of ${expected}`;
    scored.push({ name, errors: derOf(turns, diarization.turns), speakers });
  }
  return scored;
}

async function perClip(diarizer: Diarizer, clips: readonly DiarizationClip[]): Promise<Table> {
  const scored = await score(diarizer, clips);
  const rows = scored.map(({ name, errors, speakers }) => [name, ...parts([errors]), speakers]);
  const meetings = scored.filter(({ name }) => name.startsWith('ami_'));
  const loud = meetings.filter(({ name }) => !isQuiet(name));
  if (meetings.length > 0) {
    rows.push(['ami, without trn01 and trn02', ...parts(loud.map((s) => s.errors)), '']);
    rows.push(['ami, all', ...parts(meetings.map((s) => s.errors)), '']);
  }
  return { columns: ['clip', 'DER', 'missed', 'false alarm', 'confusion', 'speakers'], rows };
}

async function sensitivity(diarizer: Diarizer, clips: readonly DiarizationClip[]): Promise<Table> {
  const rows: string[][] = [];
  const add = async (name: string, settings: Parameters<Diarizer['diarize']>[1]) => {
    const scored = await score(diarizer, clips, settings);
    const rate = (of: (name: string) => boolean) =>
      percent(errorRateOf(scored.filter((s) => of(s.name)).map((s) => s.errors)));
    const isMeeting = (clip: string) => clip.startsWith('ami_') && !isQuiet(clip);
    const columns = [(c: string) => c.startsWith('en_'), (c: string) => c.startsWith('two_')];
    rows.push([name, ...[...columns, isMeeting].map(rate)]);
  };
  for (const hopFrames of HOPS) {
    await add(`hop ${((hopFrames * 270) / 16_000).toFixed(2)} s`, { hopFrames });
  }
  for (const share of SEPARATIONS) {
    const minSeparation = Math.round(100 * share * diarizer.thresholds.minSeparation) / 100;
    await add(`separation ${minSeparation}`, { options: { minSeparation } });
  }
  return { columns: ['DER', 'en_dialogue', 'two_speakers', 'ami'], rows };
}

function parts(errors: readonly DiarizationErrors[]): string[] {
  const sum = (of: (e: DiarizationErrors) => number) => errors.reduce((s, e) => s + of(e), 0);
  const total = sum((e) => e.totalSeconds);
  const seconds = [
    sum((e) => e.missedSeconds),
    sum((e) => e.falseAlarmSeconds),
    sum((e) => e.confusionSeconds),
  ];
  return [percent(errorRateOf(errors)), ...seconds.map((value) => percent(value / total))];
}

function isQuiet(name: string): boolean {
  return AMI_QUIET_CLIPS.some((clip) => name === `ami_${clip}.wav`);
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)}%`;
}
