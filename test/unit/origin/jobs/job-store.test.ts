import { execFile } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isFinished, type JobEvent, type JobStatus } from '#origin/jobs/job-state.ts';
import { JobStore } from '#origin/jobs/job-store.ts';
import { openDatabase } from '#origin/jobs/sqlite.ts';
import { newJob } from '#test/support/new-job.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const run = promisify(execFile);
const tempDir = useTempDirs();
const opened: JobStore[] = [];

afterEach(() => {
  for (const store of opened.splice(0)) store.close();
});

function open(path = join(tempDir(), 'jobs.sqlite')): JobStore {
  const store = new JobStore(path);
  opened.push(store);
  return store;
}

function reopen(store: JobStore, path: string): JobStore {
  store.close();
  opened.splice(opened.indexOf(store), 1);
  return open(path);
}

const BACKGROUND = { isAwaited: false };
const AWAITED = { isAwaited: true };
const RESULT = { headers: { 'Content-Type': 'text/plain' }, body: 'Hällo.' };

describe('JobStore', () => {
  it('finds after a new start what was there before', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    let store = open(path);
    const job = store.insert(newJob({ idempotencyKey: 'k', formDigest: 'd' }));
    store.apply(job.id, { type: 'start' }, { nowMs: 1 });
    store.apply(job.id, { type: 'succeed' }, { nowMs: 2, result: RESULT });
    store = reopen(store, path);
    const found = store.findByKey('local', 'k');
    expect(found).toMatchObject({ id: job.id, status: 'done', startedMs: 1, finishedMs: 2 });
    expect(found && store.result(found)).toEqual(RESULT);
    expect(store.totals().done).toEqual({ jobs: 1, bytes: 7 });
  });

  it('keeps the first of two results, and forgets the fields of what has ended', () => {
    const store = open();
    const { id } = store.insert(newJob());
    store.apply(id, { type: 'start' }, { nowMs: 1 });
    const done = store.apply(id, { type: 'succeed' }, { nowMs: 2, result: RESULT });
    const again = { ...RESULT, body: 'other' };
    expect(store.apply(id, { type: 'succeed' }, { nowMs: 3, result: again })).toBeNull();
    expect(done?.fields).toEqual([]);
    expect(done && store.result(done)).toEqual(RESULT);
  });

  it('removes a result with its job', () => {
    const store = open();
    const { id } = store.insert(newJob());
    store.apply(id, { type: 'start' }, { nowMs: 1 });
    const done = store.apply(id, { type: 'succeed' }, { nowMs: 2, result: RESULT });
    store.remove(id);
    expect(store.find(id)).toBeNull();
    expect(done && store.result(done)).toBeNull();
    expect(store.totals().done).toEqual({ jobs: 0, bytes: 0 });
  });

  it('refuses a second job under a key, and frees the key of a cancelled one', () => {
    const store = open();
    const { id } = store.insert(newJob({ idempotencyKey: 'k' }));
    expect(() => store.insert(newJob({ idempotencyKey: 'k' }))).toThrow(/UNIQUE/);
    expect(() => store.insert(newJob({ idempotencyKey: 'k', principalId: 'b' }))).not.toThrow();
    store.apply(id, { type: 'cancel' }, { nowMs: 1 });
    expect(() => store.insert(newJob({ idempotencyKey: 'k' }))).not.toThrow();
    expect(store.totals().queued.jobs).toBe(2);
  });

  it('gives the oldest of the owner with the fewest running', () => {
    const store = open();
    const [first, second, other] = [
      store.insert(newJob({ principalId: 'a' })),
      store.insert(newJob({ principalId: 'a' })),
      store.insert(newJob({ principalId: 'b' })),
    ];
    const take = () => {
      const id = store.peek(0, BACKGROUND)?.id ?? '';
      store.apply(id, { type: 'start' }, { nowMs: 0 });
      return id;
    };
    expect([take(), take(), take()]).toEqual([first.id, other.id, second.id]);
    expect(store.peek(0, BACKGROUND)).toBeNull();
  });

  it('gives what a crash cut off before everything else, and waits with what is to wait', () => {
    const store = open();
    const [late, early, waits] = [newJob(), newJob(), newJob()].map((it) => store.insert(it));
    for (const id of [early!.id, waits!.id]) store.apply(id, { type: 'start' }, { nowMs: 0 });
    const error = { kind: 'storage_full' } as const;
    store.apply(waits!.id, { type: 'fail', error }, { nowMs: 0, notBeforeMs: 500 });
    store.apply(early!.id, { type: 'crash' }, { nowMs: 0 });
    expect(store.peek(0, BACKGROUND)?.id).toBe(early!.id);
    store.remove(early!.id);
    store.remove(late!.id);
    expect(store.peek(499, BACKGROUND)).toBeNull();
    expect(store.peek(500, BACKGROUND)?.id).toBe(waits!.id);
  });

  it('tells the place among those that wait, awaited ones first', () => {
    const store = open();
    const given = [newJob(), newJob(), newJob(AWAITED), newJob(), newJob(AWAITED)];
    const jobs = given.map((it) => store.insert(it));
    store.apply(jobs[0]!.id, { type: 'start' }, { nowMs: 0 });
    expect(jobs.slice(1).map((job) => store.position(job))).toEqual([3, 1, 4, 2]);
  });

  it('keeps awaited jobs apart from the others, and counts them up to a limit', () => {
    const store = open();
    const [background, first] = [newJob(), newJob(AWAITED)].map((it) => store.insert(it).id);
    store.insert(newJob(AWAITED));
    expect(store.peek(0, BACKGROUND)?.id).toBe(background);
    expect(store.peek(0, AWAITED)).toMatchObject({ id: first, isAwaited: true });
    expect([store.countAwaited(9), store.countAwaited(1)]).toEqual([2, 1]);
    store.apply(first!, { type: 'start' }, { nowMs: 0 });
    expect(store.countAwaited(9)).toBe(1);
  });

  it('takes over the jobs of version 1, for which nobody waits', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    const { id } = open(path).insert(newJob());
    opened.pop()?.close();
    const old = openDatabase(path);
    old.exec(
      'ALTER TABLE jobs DROP COLUMN is_awaited; ALTER TABLE jobs DROP COLUMN route; PRAGMA user_version = 1',
    );
    old.close();
    const store = open(path);
    expect(store.peek(0, BACKGROUND)).toMatchObject({ id, isAwaited: false });
    expect(store.insert(newJob(AWAITED)).isAwaited).toBe(true);
  });

  it("takes over the jobs of version 2, which are Whisper's", () => {
    const path = join(tempDir(), 'jobs.sqlite');
    const { id } = open(path).insert(newJob());
    opened.pop()?.close();
    const old = openDatabase(path);
    old.exec('ALTER TABLE jobs DROP COLUMN route; PRAGMA user_version = 2');
    old.close();
    const store = open(path);
    expect(store.find(id)).toMatchObject({ id, route: 'whisper' });
    expect(store.insert(newJob({ route: 'auto' })).route).toBe('auto');
  });

  it('is for this user alone', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    open(path).insert(newJob());
    const modes = [path, `${path}-wal`].map((file) => statSync(file).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
  });

  it('removes what ended long ago, oldest first, and counts it', () => {
    const store = open();
    const ids = [newJob(), newJob(), newJob(), newJob()].map((it) => store.insert(it).id);
    for (const [index, id] of ids.slice(0, 3).entries()) {
      store.apply(id, { type: 'cancel' }, { nowMs: index });
    }
    expect(store.removeEndedBefore(1, 1)).toBe(1);
    expect(store.find(ids[0]!)).toBeNull();
    expect(store.removeEndedBefore(1, 10)).toBe(1);
    expect(store.totals()).toMatchObject({ cancelled: { jobs: 1 }, queued: { jobs: 1 } });
  });

  it('is refused to a second service, in one line', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    open(path);
    expect(() => new JobStore(path)).toThrow(/in use: another service/);
  });

  it('opens without a word on standard error', async () => {
    const path = join(tempDir(), 'jobs.sqlite');
    const program = `new (await import('#origin/jobs/job-store.ts')).JobStore(process.argv[1]).close()`;
    const { stderr } = await run(process.execPath, ['--input-type=module', '-e', program, path]);
    expect(stderr).toBe('');
  });

  it('says what to do about a damaged file', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    writeFileSync(path, 'x'.repeat(5000));
    expect(() => new JobStore(path)).toThrow(/Move the file away/);
  });

  it('leaves the tables of a newer service alone', () => {
    const path = join(tempDir(), 'jobs.sqlite');
    const database = openDatabase(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => new JobStore(path)).toThrow(/version 99/);
  });
});

type Step =
  | { readonly do: 'submit' | 'take' | 'restart' }
  | { readonly do: JobEvent['type']; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>({ do: 'submit' }, { do: 'take' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('succeed', 'hand_back', 'cancel'),
      which: fc.nat({ max: 20 }),
    }),
  },
);

describe('any sequence of crashes', () => {
  it('loses no job, gives none two ends, and leaves none that cannot be brought to its end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const path = join(tempDir(), 'jobs.sqlite');
        const run = new Run(open(path), path);
        for (const it of steps) run.do(it);
        run.finishAll();
        run.check();
      }),
      { numRuns: 40, seed: 5 },
    );
  });
});

/** A service that is told what happens to it, and remembers what clients were told. */
class Run {
  #store: JobStore;
  readonly #path: string;
  readonly #ids: string[] = [];
  readonly #ends = new Map<string, JobStatus>();

  constructor(store: JobStore, path: string) {
    this.#store = store;
    this.#path = path;
  }

  do(it: Step): void {
    if (it.do === 'submit') this.#ids.push(this.#store.insert(newJob()).id);
    else if (it.do === 'take') this.#take();
    else if (it.do === 'restart') this.#restart();
    else if ('which' in it) this.#tell(this.#ids[it.which % Math.max(1, this.#ids.length)], it.do);
    this.#look();
  }

  finishAll(): void {
    this.#restart();
    for (let id = this.#take(); id !== null; id = this.#take()) this.#tell(id, 'succeed');
    this.#look();
  }

  check(): void {
    const totals = this.#store.totals();
    const kept = Object.values(totals).reduce((sum, { jobs }) => sum + jobs, 0);
    expect(kept).toBe(this.#ids.length);
    expect([totals.queued.jobs, totals.running.jobs]).toEqual([0, 0]);
    expect(reopen(this.#store, this.#path).totals()).toEqual(totals);
    expect(this.#ends.size).toBe(this.#ids.length);
  }

  #take(): string | null {
    const id = this.#store.peek(0, BACKGROUND)?.id ?? null;
    if (id !== null) this.#store.apply(id, { type: 'start' }, { nowMs: 0 });
    return id;
  }

  #tell(id: string | undefined, type: JobEvent['type']): void {
    if (id === undefined || type === 'fail') return;
    const result = { headers: {}, body: id };
    this.#store.apply(id, { type }, { nowMs: 0, ...(type === 'succeed' && { result }) });
  }

  #restart(): void {
    this.#store = reopen(this.#store, this.#path);
    for (const { id } of this.#store.running()) this.#tell(id, 'crash');
  }

  /** As every client does after every step. */
  #look(): void {
    for (const id of this.#ids) {
      const job = this.#store.find(id);
      expect(job).not.toBeNull();
      if (job === null || !isFinished(job.status)) {
        expect(this.#ends.has(id)).toBe(false);
        continue;
      }
      expect(this.#ends.get(id) ?? job.status).toBe(job.status);
      this.#ends.set(id, job.status);
      expect(this.#store.result(job)?.body ?? null).toBe(job.status === 'done' ? id : null);
    }
  }
}
