import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { WalSync } from '#origin/jobs/wal-sync.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

interface Sync {
  finish(): void;
  fail(error: Error): void;
}

let syncs: Sync[];
let log: WalSync;

beforeEach(() => {
  const path = join(tempDir(), 'jobs.sqlite');
  writeFileSync(`${path}-wal`, '');
  syncs = [];
  log = new WalSync(path, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    syncs.push({ finish: resolve, fail: reject });
    return promise;
  });
});

const settle = () => new Promise(setImmediate);

describe('WalSync', () => {
  it('serves all who came before a sync with that one, and those who come during it with the next', async () => {
    const first = Promise.all([log.sync(), log.sync()]);
    await settle();
    const later = Promise.all([log.sync(), log.sync(), log.sync()]);
    await settle();
    expect(syncs).toHaveLength(1);
    syncs[0]?.finish();
    await first;
    await settle();
    expect(syncs).toHaveLength(2);
    syncs[1]?.finish();
    await later;
    expect(syncs).toHaveLength(2);
  });

  it('tells a failure to those who waited for it, and tries again for the next', async () => {
    const first = log.sync();
    await settle();
    const second = log.sync();
    syncs[0]?.fail(new Error('EIO'));
    await expect(first).rejects.toThrow('EIO');
    await settle();
    syncs[1]?.finish();
    await expect(second).resolves.toBeUndefined();
  });

  it('has nothing to do once the database is closed', async () => {
    log.close();
    await log.sync();
    expect(syncs).toEqual([]);
  });
});
