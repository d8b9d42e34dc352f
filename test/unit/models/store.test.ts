import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { withLock } from '#models/lock.ts';
import { type BuiltManifest, recordFiles, writeManifest } from '#models/manifest.ts';
import {
  builtDirOf,
  findBuilt,
  listInstalled,
  openStore,
  removeModel,
  replaceDir,
  sourceDirOf,
} from '#models/store.ts';
import type { ModelTarget } from '#models/target.ts';
import { isIntact, verifyModels } from '#models/verify.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

function emptyStore() {
  const root = tempDir();
  return openStore(join(root, 'models'), join(root, 'embedded'));
}

async function put(dir: string, name: string, target: ModelTarget): Promise<void> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'encoder.onnx'), 'graph');
  writeFileSync(join(dir, 'weights.data'), 'weights');
  const facts = { architecture: 'whisper', languages: ['en'], source: null, builderVersion: 1 };
  const manifest: BuiltManifest = { name, target, ...facts, files: await recordFiles(dir) };
  writeManifest(join(dir, 'manifest.json'), manifest);
}

describe('findBuilt', () => {
  it('finds what was built here, for the target asked', async () => {
    const store = emptyStore();
    await put(builtDirOf(store, 'base', 'cpu'), 'base', 'cpu');
    expect(findBuilt(store, 'base', 'cpu')).toMatchObject({
      dir: builtDirOf(store, 'base', 'cpu'),
      isEmbedded: false,
    });
    expect(findBuilt(store, 'base', 'cuda-f16')).toBeUndefined();
    expect(findBuilt(store, 'tiny', 'cpu')).toBeUndefined();
  });

  it('falls back to an embedded model, but prefers one built here', async () => {
    const store = emptyStore();
    await put(join(store.embeddedDir, 'whisper-base'), 'base', 'cpu');
    expect(findBuilt(store, 'base', 'cpu')?.isEmbedded).toBe(true);
    await put(builtDirOf(store, 'base', 'cpu'), 'base', 'cpu');
    expect(findBuilt(store, 'base', 'cpu')?.isEmbedded).toBe(false);
  });

  it('names a file that is missing or of another length', async () => {
    const store = emptyStore();
    const dir = builtDirOf(store, 'base', 'cpu');
    await put(dir, 'base', 'cpu');
    writeFileSync(join(dir, 'weights.data'), 'cut');
    expect(() => findBuilt(store, 'base', 'cpu')).toThrow(/weights\.data has 3 bytes instead of 7/);
  });

  it.each(['{"name": "base"', '{}', '[]'])('refuses the manifest %s', async (text) => {
    const store = emptyStore();
    const dir = builtDirOf(store, 'base', 'cpu');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'manifest.json'), text);
    expect(() => findBuilt(store, 'base', 'cpu')).toThrow(/manifest\.json cannot be read/);
  });

  it('refuses a manifest whose files lie elsewhere', async () => {
    const store = emptyStore();
    const dir = builtDirOf(store, 'base', 'cpu');
    await put(dir, 'base', 'cpu');
    const path = join(dir, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('weights.data', '../weights.data'));
    expect(() => findBuilt(store, 'base', 'cpu')).toThrow(/cannot be read/);
  });

  it.each(['../x', '', 'a/b', '.hidden'])('refuses %j as a name', (name) => {
    expect(() => findBuilt(emptyStore(), name, 'cpu')).toThrow(/cannot be a model's name/);
  });
});

describe('listInstalled', () => {
  it('lists builds, embedded models and sources, and reports what cannot be read', async () => {
    const store = emptyStore();
    await put(builtDirOf(store, 'tiny', 'cpu'), 'tiny', 'cpu');
    await put(builtDirOf(store, 'tiny', 'cuda-f16'), 'tiny', 'cuda-f16');
    await put(join(store.embeddedDir, 'base'), 'base', 'cpu');
    const broken = sourceDirOf(store, 'small');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'source.json'), 'nonsense');
    const { built, sources, problems } = listInstalled(store);
    expect(built.map(({ manifest }) => `${manifest.name} ${manifest.target}`)).toEqual([
      'tiny cpu',
      'tiny cuda-f16',
      'base cpu',
    ]);
    expect(sources).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('source.json cannot be read')]);
  });

  it('is empty where nothing was installed yet', () => {
    expect(listInstalled(emptyStore())).toEqual({ built: [], sources: [], problems: [] });
  });
});

describe('removeModel', () => {
  it('deletes source and builds, and leaves other models alone', async () => {
    const store = emptyStore();
    await put(builtDirOf(store, 'tiny', 'cpu'), 'tiny', 'cpu');
    await put(builtDirOf(store, 'base', 'cpu'), 'base', 'cpu');
    mkdirSync(sourceDirOf(store, 'tiny'), { recursive: true });
    writeFileSync(join(sourceDirOf(store, 'tiny'), 'config.json'), '1234');
    expect(await removeModel(store, 'tiny')).toBeGreaterThan(16);
    expect(existsSync(sourceDirOf(store, 'tiny'))).toBe(false);
    expect(listInstalled(store).built.map(({ manifest }) => manifest.name)).toEqual(['base']);
    expect(await removeModel(store, 'tiny')).toBe(0);
  });
});

describe('replaceDir', () => {
  const fillWith = (text: string) => async (dir: string) => writeFileSync(join(dir, 'a'), text);
  const fail = () => Promise.reject(new Error('no memory'));

  it('swaps in the new folder, and nothing else stays', async () => {
    const dir = join(tempDir(), 'model');
    await replaceDir(dir, fillWith('one'));
    await replaceDir(dir, fillWith('two'));
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('two');
    expect(readdirSync(dirname(dir))).toEqual(['model']);
  });

  it('keeps the old folder if the new one fails', async () => {
    const dir = join(tempDir(), 'model');
    await replaceDir(dir, fillWith('one'));
    await expect(replaceDir(dir, fail)).rejects.toThrow('no memory');
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('one');
    expect(readdirSync(dirname(dir))).toEqual(['model']);
  });

  it('brings back the old folder that an interrupted swap left aside', async () => {
    const dir = join(tempDir(), 'model');
    mkdirSync(`${dir}.old`);
    writeFileSync(join(`${dir}.old`, 'a'), 'one');
    await expect(replaceDir(dir, fail)).rejects.toThrow('no memory');
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('one');
  });
});

describe('withLock', () => {
  const leave = (path: string, note: object) => writeFileSync(path, JSON.stringify(note));
  const nothing = async () => 'done';

  it('lets nobody else in while the work runs, and is gone after it, also after a failure', async () => {
    const path = join(tempDir(), 'x.lock');
    await withLock(path, 'building tiny', async () => {
      await expect(withLock(path, 'pulling tiny', nothing)).rejects.toMatchObject({ code: 'busy' });
    });
    await expect(withLock(path, 'x', () => Promise.reject(new Error('y')))).rejects.toThrow('y');
    expect(await withLock(path, 'pulling tiny', nothing)).toBe('done');
    expect(existsSync(path)).toBe(false);
  });

  it('takes over the lock of a process that is dead, or of an earlier one with this id', async () => {
    const path = join(tempDir(), 'x.lock');
    for (const pid of [2 ** 30, process.pid]) {
      leave(path, { pid, host: hostname(), doing: 'building tiny' });
      expect(await withLock(path, 'pulling tiny', nothing)).toBe('done');
    }
    writeFileSync(path, 'torn');
    expect(await withLock(path, 'pulling tiny', nothing)).toBe('done');
  });

  it('respects a living process, and any of another machine', async () => {
    const path = join(tempDir(), 'x.lock');
    for (const note of [
      { pid: process.ppid, host: hostname(), doing: 'building tiny' },
      { pid: 2 ** 30, host: 'elsewhere', doing: 'building tiny' },
    ]) {
      leave(path, note);
      await expect(withLock(path, 'pulling tiny', nothing)).rejects.toThrow(
        `process ${note.pid} on ${note.host}) is building tiny`,
      );
      expect(existsSync(path)).toBe(true);
    }
  });
});

describe('verifyModels', () => {
  it('finds files that are missing, cut or changed', async () => {
    const store = emptyStore();
    const dir = builtDirOf(store, 'tiny', 'cpu');
    await put(dir, 'tiny', 'cpu');
    const states = async () => {
      const [report] = await verifyModels(listInstalled(store));
      return { isIntact: report !== undefined && isIntact(report), files: report?.files };
    };
    expect((await states()).isIntact).toBe(true);
    writeFileSync(join(dir, 'encoder.onnx'), 'grapH');
    writeFileSync(join(dir, 'weights.data'), 'weight');
    expect(await states()).toEqual({
      isIntact: false,
      files: [
        { name: 'encoder.onnx', state: 'wrong hash' },
        { name: 'weights.data', state: 'wrong length' },
      ],
    });
  });
});
