import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '#origin/jobs/sqlite.ts';
import { LeaseStore } from '#origin/vram/lease-store.ts';
import { newLease } from '#test/support/new-lease.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
const NOTHING = { saved: [], endedIds: [], estimates: [] };

function reopened(path: string, store: LeaseStore): LeaseStore {
  store.close();
  return new LeaseStore(path);
}

describe('LeaseStore', () => {
  it('keeps leases and estimates over a restart', () => {
    const path = join(makeDir(), 'leases.sqlite');
    const first = new LeaseStore(path);
    const measured = { mib: 900, turn: 3, isRead: true };
    const lease = newLease({ id: 'a', pid: 7, releaseUrl: 'http://127.0.0.1/', measured });
    const estimate = { model: 'f5', target: 'cuda', peaksMib: [1, 2] };
    first.write({ saved: [lease, newLease({ id: 'b' })], endedIds: [], estimates: [estimate] });
    first.write({ ...NOTHING, saved: [{ ...lease, mib: 5 }], endedIds: ['b', 'unknown'] });
    const second = reopened(path, first);
    expect(second.leases()).toEqual([{ ...lease, mib: 5 }]);
    expect(second.estimates()).toEqual([estimate]);
    second.close();
  });

  it('keeps one record of each model and target, the newest last', () => {
    const path = join(makeDir(), 'leases.sqlite');
    const store = new LeaseStore(path);
    const record = (model: string, peak: number) => ({ model, target: 'cuda', peaksMib: [peak] });
    for (const [model, peak] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ] as const) {
      store.write({ ...NOTHING, estimates: [record(model, peak)] });
    }
    expect(store.estimates()).toEqual([record('b', 2), record('a', 3)]);
    store.close();
  });

  it('leaves out rows that make no sense', () => {
    const path = join(makeDir(), 'leases.sqlite');
    new LeaseStore(path).close();
    const database = openDatabase(path);
    database.exec(`INSERT INTO leases VALUES ('x', '{"id":"x"}'), ('y', 'nonsense')`);
    database.exec(`INSERT INTO estimates (model, target, peaks) VALUES ('m', 't', '[-1]')`);
    database.close();
    const store = new LeaseStore(path);
    expect([...store.leases(), ...store.estimates()]).toEqual([]);
    store.close();
  });

  it('is readable for its user alone', () => {
    const path = join(makeDir(), 'leases.sqlite');
    const store = new LeaseStore(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    store.close();
  });

  it('says so when another service has the file', () => {
    const path = join(makeDir(), 'leases.sqlite');
    const other = new LeaseStore(path);
    expect(() => new LeaseStore(path)).toThrow(/is in use/);
    other.close();
  });

  it('says in one line that the file is no database', () => {
    const path = join(makeDir(), 'leases.sqlite');
    writeFileSync(path, 'x'.repeat(5000));
    expect(() => new LeaseStore(path)).toThrow(/^The GPU leases in [^\n]*$/);
  });

  it('refuses a file of a newer service', () => {
    const path = join(makeDir(), 'leases.sqlite');
    const database = openDatabase(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => new LeaseStore(path)).toThrow(/has version 99/);
  });
});
