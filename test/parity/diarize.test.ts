import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Diarizer, openDiarizer } from '#test/bench/lib/diarization.ts';
import {
  AMI_CLIPS,
  type DiarizationClip,
  dialogueClip,
  hasSharedAudio,
  meetingClip,
  telephoneClip,
} from '#test/bench/lib/diarization-clips.ts';
import { decodedSamples } from '#test/support/decoded-samples.ts';
import { derOf, errorRateOf } from '#test/support/der.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;
const isPresent = hasSharedAudio();
if (!isPresent) console.warn('Skipped: ../shared/audio, with who speaks when, is absent.');

let diarizer: Diarizer;
beforeAll(async () => {
  diarizer = await openDiarizer();
});
afterAll(() => diarizer.release());

async function errorsOf({ path, turns }: DiarizationClip) {
  const { diarization } = await diarizer.diarize(await decodedSamples(path));
  return { errors: derOf(turns, diarization.turns), speakers: diarization.speakers.length };
}

describe('diarization with the embedded models', () => {
  it('errs in at most 8 % of a dialogue, and finds its two voices', async () => {
    const { errors, speakers } = await errorsOf(dialogueClip());
    expect(errorRateOf([errors])).toBeLessThanOrEqual(0.08);
    expect(speakers).toBe(2);
  });

  it('never divides one voice', async () => {
    for (const name of ['en_long.flac', 'en_harbor.flac', 'de_bahnhof.flac']) {
      const { diarization } = await diarizer.diarize(await decodedSamples(FIXTURES + name));
      expect(diarization.speakers.map(({ label }) => label)).toEqual(['SPEAKER_00']);
    }
  });

  it('calls a voice by the name of its sample', async () => {
    const dialogue = await decodedSamples(dialogueClip().path);
    const joe = await diarizer.diarize(await decodedSamples(`${FIXTURES}en_harbor.flac`));
    const embedding = joe.diarization.speakers[0]?.embedding ?? [];
    const knownSpeakers = [{ name: 'Joe', embedding }];
    const { diarization } = await diarizer.diarize(dialogue, { knownSpeakers });
    expect(diarization.speakers.map(({ label }) => label)).toEqual(['Joe', 'SPEAKER_00']);
  });

  it('finds nobody in silence, and one speaker in half a second of speech', async () => {
    const silence = await diarizer.diarize(new Float32Array(160_000));
    expect(silence.diarization).toEqual({ speakers: [], turns: [] });
    const joe = (await decodedSamples(`${FIXTURES}en_harbor.flac`)).slice(8000, 16_000);
    const { diarization } = await diarizer.diarize(joe);
    expect(diarization.speakers.length).toBe(1);
  });
});

describe.skipIf(!isPresent)('diarization of real recordings', () => {
  it('errs in at most 8 % of a telephone call', async () => {
    const { errors, speakers } = await errorsOf(telephoneClip());
    expect(errorRateOf([errors])).toBeLessThanOrEqual(0.08);
    expect(speakers).toBe(2);
  });

  it('errs in at most 23 % of five stretches of meetings', async () => {
    const scored = [];
    for (const recording of AMI_CLIPS) scored.push((await errorsOf(meetingClip(recording))).errors);
    expect(errorRateOf(scored)).toBeLessThanOrEqual(0.23);
  });
});
