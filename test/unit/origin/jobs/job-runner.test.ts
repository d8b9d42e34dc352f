import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Admission } from '#origin/admission/admission.ts';
import type { JobResult } from '#origin/jobs/job.ts';
import { JobRunner } from '#origin/jobs/job-runner.ts';
import { JobStore } from '#origin/jobs/job-store.ts';
import { createLogger } from '#origin/logger.ts';
import { SttException } from '#shared/errors.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { newJob } from '#test/support/new-job.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const NEVER = new AbortController().signal;

let store: JobStore;
let clock: ManualClock;

beforeEach(() => {
  store = new JobStore(join(tempDir(), 'jobs.sqlite'));
  clock = new ManualClock();
});

afterEach(() => {
  store.close();
});

interface Work {
  readonly id: string;
  finish(): void;
  fail(error: unknown): void;
}

function createRunner(limits: { maxRunning: number; maxQueue: number }) {
  const admission = new Admission({ ...limits, now: clock.now });
  const works: Work[] = [];
  const runner = new JobRunner({
    ...{ store, admission, clock, logger: createLogger('silent') },
    maxRunning: limits.maxRunning,
    maxInLine: limits.maxQueue,
    perform: (job, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<JobResult>();
      const gone = new SttException({ kind: 'client_gone' });
      signal.addEventListener('abort', () => reject(gone));
      const finish = () => resolve({ headers: {}, body: job.id });
      works.push({ id: job.id, finish, fail: reject });
      return promise;
    },
    onAttempt: () => {},
  });
  return { admission, works, runner };
}

/** Lets everything that has been decided happen. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

const insert = (count: number, given: Parameters<typeof newJob>[0] = {}) =>
  Array.from({ length: count }, () => store.insert(newJob(given)).id);

const statusOf = (id: string) => store.find(id)?.status;

describe('JobRunner', () => {
  it('leaves the last slot to live requests', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 3, maxQueue: 5 });
    for (let i = 0; i < 5; i++) store.insert(newJob());
    runner.wake();
    await settle();
    expect(works).toHaveLength(2);
    const request = admission.enter();
    await request.start(NEVER);
    expect(admission.counts()).toEqual({ running: 3, waiting: 0 });
  });

  it('lets a request wait behind one job at most, and a job behind the queue at most', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 3 });
    const jobs = [newJob(), newJob(), newJob()].map((it) => store.insert(it).id);
    runner.wake();
    await settle();
    const order: string[] = [];
    const requests = ['a', 'b'].map((name) => {
      const place = admission.enter();
      void place.start(NEVER).then(() => order.push(name));
      return place;
    });
    works[0]?.finish();
    await settle();
    expect(order).toEqual(['a']);
    requests[0]?.leave();
    await settle();
    requests[1]?.leave();
    await settle();
    expect(order).toEqual(['a', 'b']);
    expect(works.map(({ id }) => id)).toEqual(jobs.slice(0, 2));
  });

  it('takes no place of the queue, however many jobs wait', async () => {
    const { admission, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const request = admission.enter();
    await request.start(NEVER);
    for (let i = 0; i < 50; i++) store.insert(newJob());
    runner.wake();
    await settle();
    expect(() => admission.enter()).not.toThrow();
    expect(() => admission.enter()).toThrow(SttException);
  });

  it('gives every slot to jobs that somebody waits for, and those before the others', async () => {
    const { works, runner } = createRunner({ maxRunning: 3, maxQueue: 5 });
    const background = insert(3);
    const awaited = insert(4, { isAwaited: true });
    runner.wake();
    await settle();
    expect(works.map(({ id }) => id)).toEqual(awaited.slice(0, 3));
    works[0]?.finish();
    await settle();
    expect(works.at(-1)?.id).toBe(awaited[3]);
    works[1]?.finish();
    await settle();
    expect(works.at(-1)?.id).toBe(background[0]);
  });

  it('lets awaited jobs stand in the line like requests, first come first served', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 5 });
    const running = admission.enter();
    await running.start(NEVER);
    const order: string[] = [];
    const [first] = insert(1, { isAwaited: true });
    runner.wake();
    const request = admission.enter();
    void request.start(NEVER).then(() => order.push('request'));
    insert(1, { isAwaited: true });
    runner.wake();
    expect(runner.placesInLine()).toBe(2);
    running.leave();
    await settle();
    expect(works.map(({ id }) => id)).toEqual([first]);
    works[0]?.finish();
    await settle();
    expect(order).toEqual(['request']);
    request.leave();
    await settle();
    expect(works).toHaveLength(2);
  });

  it('puts no more awaited jobs into the line than requests may stand there', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 3 });
    insert(50, { isAwaited: true });
    runner.wake();
    await settle();
    runner.wake();
    expect([works.length, runner.placesInLine()]).toEqual([1, 3]);
    expect(() => admission.enter()).not.toThrow();
    for (let done = 0; done < 50; done++) {
      works[done]?.finish();
      await settle();
    }
    expect([works.length, runner.placesHeld()]).toEqual([50, 0]);
  });

  it('runs what a crash cut off alone, and the rest beside one another afterwards', async () => {
    const suspects = [newJob(), newJob()].map((it) => store.insert(it).id);
    for (const id of suspects) {
      store.apply(id, { type: 'start' }, { nowMs: 0 });
      store.apply(id, { type: 'crash' }, { nowMs: 0 });
    }
    for (let i = 0; i < 3; i++) store.insert(newJob());
    const { works, runner } = createRunner({ maxRunning: 4, maxQueue: 5 });
    runner.wake();
    await settle();
    expect(works.map(({ id }) => id)).toEqual([suspects[0]]);
    works[0]?.finish();
    await settle();
    expect(works.map(({ id }) => id)).toEqual(suspects);
    works[1]?.finish();
    await settle();
    expect(works).toHaveLength(5);
  });

  it('tries again after a lost engine, when it was told to, and not for ever', async () => {
    const { id } = store.insert(newJob());
    const { works, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const lost = { kind: 'engine_unavailable', state: 'failed', retryAfterSeconds: 5 } as const;
    runner.wake();
    for (let attempt = 1; attempt <= 3; attempt++) {
      await settle();
      expect(works).toHaveLength(attempt);
      works[attempt - 1]?.fail(new SttException(lost));
      await settle();
      if (attempt < 3) expect(statusOf(id)).toBe('queued');
      clock.advance(4999);
      await settle();
      expect(works).toHaveLength(attempt);
      clock.advance(1);
    }
    expect(store.find(id)).toMatchObject({ status: 'failed', error: lost, attempts: 3 });
  });

  it('decides with the slot in hand: a job cancelled in the line costs no turn', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const request = admission.enter();
    await request.start(NEVER);
    const [first, second] = [store.insert(newJob()), store.insert(newJob())];
    runner.wake();
    store.apply(first.id, { type: 'cancel' }, { nowMs: 0 });
    request.leave();
    await settle();
    expect(works.map(({ id }) => id)).toEqual([second.id]);
  });

  it('leaves its place when nothing is left to do', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const request = admission.enter();
    await request.start(NEVER);
    const { id } = store.insert(newJob());
    runner.wake();
    store.apply(id, { type: 'cancel' }, { nowMs: 0 });
    request.leave();
    await settle();
    expect(works).toEqual([]);
    expect(admission.counts()).toEqual({ running: 0, waiting: 0 });
    expect(runner.placesHeld()).toBe(0);
  });

  it('stops without waiting for the queue, and with what runs', async () => {
    const { admission, works, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const [first, second] = [store.insert(newJob()), store.insert(newJob())];
    runner.wake();
    await settle();
    const stopped = runner.stop();
    works[0]?.finish();
    await stopped;
    await admission.close();
    expect([statusOf(first.id), statusOf(second.id)]).toEqual(['done', 'queued']);
  });

  it('hands back what is cut off, uncounted', async () => {
    const { runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const { id } = store.insert(newJob());
    runner.wake();
    await settle();
    await runner.handBack();
    expect(store.find(id)).toMatchObject({ status: 'queued', attempts: 0, crashes: 0 });
  });

  it('writes the end of a job down later when the disk takes nothing now', async () => {
    const { works, runner } = createRunner({ maxRunning: 1, maxQueue: 1 });
    const { id } = store.insert(newJob());
    runner.wake();
    await settle();
    const { apply } = store;
    store.apply = () => {
      throw new Error('database or disk is full');
    };
    works[0]?.finish();
    await settle();
    store.apply = apply;
    expect(statusOf(id)).toBe('running');
    clock.advance(30_000);
    expect(statusOf(id)).toBe('done');
  });
});
