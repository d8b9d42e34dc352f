import { describe, expect, it } from 'vitest';
import { Admission } from '#origin/admission/admission.ts';
import { type SttError, SttException } from '#shared/errors.ts';

const NEVER = new AbortController().signal;

function createAdmission(limits: { maxRunning: number; maxQueue: number }) {
  const clock = { ms: 0 };
  return { clock, admission: new Admission({ ...limits, now: () => clock.ms }) };
}

function refusal(admission: Admission): SttError {
  try {
    admission.enter();
  } catch (error) {
    if (error instanceof SttException) {
      return error.error;
    }
  }
  throw new Error('was not refused');
}

describe('Admission', () => {
  it('refuses whoever comes when slots and queue are taken, with the position', () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 2 });
    const places = [admission.enter(), admission.enter(), admission.enter()];
    expect(refusal(admission)).toMatchObject({ kind: 'queue_full', position: 4 });
    places[1]?.leave();
    expect(() => admission.enter()).not.toThrow();
  });

  it('counts a place once however often it is left', () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 1 });
    const place = admission.enter();
    admission.enter();
    place.leave();
    place.leave();
    expect(admission.counts()).toEqual({ running: 0, waiting: 1 });
  });

  it('gives a freed slot to the first in line', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 3 });
    const [first, second, third] = [admission.enter(), admission.enter(), admission.enter()];
    const order: string[] = [];
    await first.start(NEVER);
    const waiting = [
      third.start(NEVER).then(() => order.push('third')),
      second.start(NEVER).then(() => order.push('second')),
    ];
    expect(admission.counts()).toEqual({ running: 1, waiting: 2 });
    first.leave();
    await waiting[0];
    expect(order).toEqual(['third']);
    third.leave();
    await waiting[1];
    second.leave();
    expect(admission.counts()).toEqual({ running: 0, waiting: 0 });
  });

  it('frees the place of a client that leaves the line', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 1 });
    const running = admission.enter();
    await running.start(NEVER);
    const waiting = admission.enter();
    const client = new AbortController();
    const started = waiting.start(client.signal);
    client.abort();
    await expect(started).rejects.toMatchObject({ error: { kind: 'client_gone' } });
    waiting.leave();
    const next = admission.enter();
    const nextStarted = next.start(NEVER);
    running.leave();
    await nextStarted;
    expect(admission.counts()).toEqual({ running: 1, waiting: 0 });
  });

  it('refuses to start for a client that has left already', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 0 });
    const place = admission.enter();
    await expect(place.start(AbortSignal.abort())).rejects.toMatchObject({
      error: { kind: 'client_gone' },
    });
    place.leave();
    expect(admission.counts()).toEqual({ running: 0, waiting: 0 });
  });

  it('estimates Retry-After from the mean of the latest requests', async () => {
    const { admission, clock } = createAdmission({ maxRunning: 2, maxQueue: 0 });
    for (const tookMs of [20_000, 40_000]) {
      const place = admission.enter();
      await place.start(NEVER);
      clock.ms += tookMs;
      place.leave();
    }
    const places = [admission.enter(), admission.enter()];
    await Promise.all(places.map((place) => place.start(NEVER)));
    expect(refusal(admission)).toMatchObject({ position: 1, retryAfterSeconds: 15 });
  });

  it('never asks to stay away for more than ten minutes', async () => {
    const { admission, clock } = createAdmission({ maxRunning: 1, maxQueue: 0 });
    const place = admission.enter();
    await place.start(NEVER);
    clock.ms += 7_200_000;
    place.leave();
    admission.enter();
    expect(refusal(admission)).toMatchObject({ retryAfterSeconds: 600 });
  });

  it('refuses newcomers after close and resolves it when the last one has left', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 1 });
    const place = admission.enter();
    const closed = admission.close();
    expect(refusal(admission).kind).toBe('shutting_down');
    place.leave();
    await closed;
    await admission.close();
  });
});

describe('enterJob', () => {
  it('gives a place beside a full queue and takes none from it', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 1 });
    const running = admission.enter();
    await running.start(NEVER);
    const job = admission.enterJob();
    expect(() => admission.enter()).not.toThrow();
    expect(refusal(admission)).toMatchObject({ kind: 'queue_full' });
    job.leave();
    expect(refusal(admission)).toMatchObject({ kind: 'queue_full' });
  });

  it('counts like a request once it has a slot', async () => {
    const { admission } = createAdmission({ maxRunning: 1, maxQueue: 0 });
    const job = admission.enterJob();
    await job.start(NEVER);
    expect(refusal(admission)).toMatchObject({ kind: 'queue_full' });
    job.leave();
    expect(() => admission.enter()).not.toThrow();
  });
});
