import { describe, expect, it } from 'vitest';
import { finishDiarization } from '#origin/diarize/diarize.ts';
import { finishInThread } from '#origin/diarize/finish-in-thread.ts';
import { record } from '#test/unit/origin/diarize/scripted-recording.ts';

const { collector, totalSamples } = record(
  [
    [0, 0, 3],
    [1, 3.5, 6.5],
    [0, 7, 10],
  ],
  10,
);
const never = new AbortController().signal;

describe('finishInThread', () => {
  it('gives what the same thread would give', async () => {
    const options = { totalSamples, maxSpeakers: 3 };
    const there = await finishInThread(collector, options, never);
    expect(there).toEqual(finishDiarization(collector, options));
  });

  it('throws what is thrown there', async () => {
    const options = { totalSamples, minSpeakers: 0 };
    await expect(finishInThread(collector, options, never)).rejects.toThrow(RangeError);
  });

  it('ends when nobody waits any more', async () => {
    const client = new AbortController();
    const result = finishInThread(collector, { totalSamples }, client.signal);
    client.abort(new Error('gone'));
    await expect(result).rejects.toThrow('gone');
    const late = finishInThread(collector, { totalSamples }, client.signal);
    await expect(late).rejects.toThrow('gone');
  });
});
