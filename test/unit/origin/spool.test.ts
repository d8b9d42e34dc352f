import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSpoolPath, prepareSpool, removeSpoolFile } from '#origin/spool.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mana-stt-spool-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const ID = '00000000-0000-4000-8000-000000000000';
/** Above the largest process id Linux gives. */
const DEAD_PID = 4_194_305;

describe('prepareSpool', () => {
  it('makes the folder, with its parents', async () => {
    expect(await prepareSpool(join(folder, 'a', 'b'))).toBe(0);
    expect(await readdir(join(folder, 'a'))).toEqual(['b']);
  });

  it('removes files of processes that are gone, and nothing else', async () => {
    const kept = [`upload-${process.ppid}-${ID}`, 'notes.txt', `upload-x-${ID}`];
    const left = [
      `upload-${DEAD_PID}-${ID}`,
      `upload-${process.pid}-${ID}`,
      `waveform-${DEAD_PID}-${ID}`,
    ];
    await Promise.all([...kept, ...left].map((name) => writeFile(join(folder, name), 'x')));
    expect(await prepareSpool(folder)).toBe(left.length);
    expect((await readdir(folder)).sort()).toEqual(kept.sort());
  });

  it('knows the names that newSpoolPath gives', async () => {
    const paths = [newSpoolPath(folder), newSpoolPath(folder, 'waveform')];
    await Promise.all(paths.map((path) => writeFile(path, 'x')));
    expect(await prepareSpool(folder)).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('removeSpoolFile', () => {
  it('is content with a file that never came to be', async () => {
    await expect(removeSpoolFile(newSpoolPath(folder))).resolves.toBeUndefined();
  });
});
