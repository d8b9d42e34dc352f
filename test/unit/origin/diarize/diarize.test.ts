import { describe, expect, it } from 'vitest';
import { finishDiarization } from '#origin/diarize/diarize.ts';
import { derOf, errorRateOf } from '#test/support/der.ts';
import {
  randomNumbers,
  record,
  type ScriptedTurn,
  voiceVector,
} from '#test/unit/origin/diarize/scripted-recording.ts';

/** Turns of 3 s by so many voices, twice around, half a second apart. */
const around = (voices: number): ScriptedTurn[] =>
  Array.from({ length: 2 * voices }, (_, i) => [i % voices, 3.5 * i, 3.5 * i + 3] as const);

const truthOf = (turns: readonly ScriptedTurn[]) =>
  turns.map(([voice, startSeconds, endSeconds]) => ({
    speaker: `voice ${voice}`,
    startSeconds,
    endSeconds,
  }));

describe('finishDiarization', () => {
  it.each([1, 2, 3, 4, 6, 12])('finds %i voices, who talk when', (voices) => {
    const turns = around(voices);
    const { collector, totalSamples } = record(turns, 7 * voices);
    const { diarization, warnings } = finishDiarization(collector, { totalSamples });
    expect(diarization.speakers).toHaveLength(voices);
    expect(errorRateOf([derOf(truthOf(turns), diarization.turns)])).toBeLessThan(0.05);
    expect(warnings).toEqual([]);
  });

  it('finds both voices where they talk at once', () => {
    const turns: ScriptedTurn[] = [
      [0, 0, 5],
      [1, 4, 9],
      [0, 8, 13],
    ];
    const { collector, totalSamples } = record(turns, 13);
    const { diarization } = finishDiarization(collector, { totalSamples });
    const errors = derOf(truthOf(turns), diarization.turns);
    expect(errorRateOf([errors])).toBeLessThan(0.05);
  });

  it('numbers speakers by first appearance and orders turns by start', () => {
    const { collector, totalSamples } = record(around(3), 21);
    const { speakers, turns } = finishDiarization(collector, { totalSamples }).diarization;
    expect(speakers.map(({ label }) => label)).toEqual(['SPEAKER_00', 'SPEAKER_01', 'SPEAKER_02']);
    const starts = turns.map(({ startSeconds }) => startSeconds);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    for (const { startSeconds, endSeconds } of turns) {
      expect(startSeconds).toBeGreaterThanOrEqual(0);
      expect(endSeconds).toBeGreaterThan(startSeconds);
      expect(endSeconds).toBeLessThanOrEqual(21);
    }
  });

  it.each([2, 3])('finds exactly %i voices where so many are asked for', (numSpeakers) => {
    const { collector, totalSamples } = record(around(4), 28);
    const result = finishDiarization(collector, { totalSamples, numSpeakers });
    expect(result.diarization.speakers).toHaveLength(numSpeakers);
  });

  it('keeps within the least and the most', () => {
    const { collector, totalSamples } = record(around(4), 28);
    const speakersOf = (wishes: object) =>
      finishDiarization(collector, { totalSamples, ...wishes }).diarization.speakers.length;
    expect(speakersOf({ maxSpeakers: 3 })).toBe(3);
    expect(speakersOf({ maxSpeakers: 9 })).toBe(4);
    expect(speakersOf({ minSpeakers: 2 })).toBe(4);
    expect(speakersOf({ minSpeakers: 6 })).toBeGreaterThanOrEqual(4);
  });

  it('finds as many as it can, and says so, where more are asked for than there can be', () => {
    const { collector, totalSamples } = record([[0, 0.5, 3]], 4);
    const { diarization, warnings } = finishDiarization(collector, {
      totalSamples,
      numSpeakers: 12,
    });
    expect(diarization.speakers.length).toBeGreaterThanOrEqual(1);
    expect(diarization.speakers.length).toBeLessThan(12);
    expect(warnings[0]).toMatch(/^12 speakers were asked for/);
  });

  it('refuses counts that make no sense', () => {
    const { collector, totalSamples } = record([], 5);
    const finish = (wishes: object) => () =>
      finishDiarization(collector, { totalSamples, ...wishes });
    expect(finish({ minSpeakers: 3, maxSpeakers: 2 })).toThrow(RangeError);
    expect(finish({ numSpeakers: 0 })).toThrow(RangeError);
    expect(finish({ maxSpeakers: 1.5 })).toThrow(RangeError);
  });

  it('gives nobody for silence', () => {
    const { collector, totalSamples } = record([], 5);
    const { diarization } = finishDiarization(collector, { totalSamples });
    expect(diarization).toEqual({ speakers: [], turns: [] });
  });

  it('gives one speaker where speech is too short for a vector', () => {
    const { collector, totalSamples } = record([[0, 0.1, 0.4]], 0.5);
    const { diarization } = finishDiarization(collector, { totalSamples });
    expect(diarization.speakers.map(({ label }) => label)).toEqual(['SPEAKER_00']);
  });

  it('calls a known voice by its name, and only one voice by each name', () => {
    const { collector, totalSamples } = record(around(3), 21);
    const random = randomNumbers(3);
    const knownSpeakers = [
      { name: 'Ada', embedding: voiceVector(1, random) },
      { name: 'Ada', embedding: voiceVector(1, random) },
      { name: 'Bob', embedding: voiceVector(9, random) },
      { name: 'SPEAKER_00', embedding: voiceVector(2, random) },
      { name: 'Eve', embedding: [0, 0] },
    ];
    const { diarization } = finishDiarization(collector, { totalSamples, knownSpeakers });
    expect(diarization.speakers.map(({ label }) => label)).toEqual([
      'SPEAKER_01',
      'Ada',
      'SPEAKER_00',
    ]);
    expect(diarization.speakers[1]?.similarity).toBeGreaterThan(0.8);
    expect(diarization.speakers[0]).not.toHaveProperty('similarity');
  });

  it('gives the same answer twice', () => {
    const [a, b] = [record(around(5), 35), record(around(5), 35)];
    const { totalSamples } = a;
    expect(finishDiarization(a.collector, { totalSamples })).toEqual(
      finishDiarization(b.collector, { totalSamples }),
    );
  });

  it('compares a bounded number of stretches, and still finds the voices of all', () => {
    const turns = around(3);
    const { collector, totalSamples } = record(turns, 21, { maxItems: 6 });
    const { diarization } = finishDiarization(collector, { totalSamples });
    expect(errorRateOf([derOf(truthOf(turns), diarization.turns)])).toBeLessThan(0.05);
  });
});
