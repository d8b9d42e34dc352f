import { describe, expect, it } from 'vitest';
import { FairQueue, type Queued } from '#origin/engine/fair-queue.ts';
import type { RecordingJob } from '#origin/pipeline/recording-job.ts';
import { startWork } from '#origin/pipeline/recording-work.ts';

function contextOf(requestId: string, seconds: number) {
  const waveform = { sampleCount: seconds * 16_000 };
  const job = { requestId, waveform, scheduler: {} } as unknown as RecordingJob;
  const { signal } = new AbortController();
  return startWork(job, { signal, isWantedTwice: () => false }).context;
}

describe('startWork', () => {
  it('gives each recording turns of its own, though clients send the same request id', () => {
    const queue = new FairQueue<Queued>({ agePromotionSeconds: 20, now: () => 0 });
    const [long, short] = [contextOf('same', 3600), contextOf('same', 5)];
    queue.add({ order: 0, arrivedAt: 0, context: long });
    queue.add({ order: 1, arrivedAt: 0, context: short });
    expect(queue.inOrder().map(({ context }) => context)).toEqual([short, long]);
    expect([queue.count(long.owner), queue.count(short.owner)]).toEqual([1, 1]);
    expect([long.requestId, short.requestId]).toEqual(['same', 'same']);
  });
});
