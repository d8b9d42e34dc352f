import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestForm, JobFiles } from '#origin/jobs/job-files.ts';
import { newSpoolPath } from '#origin/spool.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

async function prepared(): Promise<{ files: JobFiles; folder: string }> {
  const folder = tempDir();
  const files = new JobFiles(folder);
  await files.prepare([]);
  return { files, folder };
}

function spooled(files: JobFiles, text: string): string {
  const path = newSpoolPath(files.incomingDir);
  writeFileSync(path, text);
  return path;
}

describe('JobFiles', () => {
  it('moves recording and samples out of the spool, in their order', async () => {
    const { files } = await prepared();
    const samplePaths = [spooled(files, 's0'), spooled(files, 's1')];
    const form = { path: spooled(files, 'sound'), samplePaths, fields: [], digest: null };
    expect(await files.adopt('a', form)).toBe(9);
    expect(readdirSync(files.incomingDir)).toEqual([]);
    const paths = [files.recordingPath('a'), ...files.samplePaths('a', 2)];
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['sound', 's0', 's1']);
    await files.remove('a');
    expect(paths.some((path) => existsSync(path))).toBe(false);
  });

  it('brings onto the disk what is there, and passes over a job that has ended', async () => {
    const { files } = await prepared();
    const form = { path: spooled(files, 'sound'), samplePaths: [], fields: [], digest: null };
    await files.adopt('a', form);
    await files.flush('a', 0);
    expect(await files.sizeOf('a', 0)).toBe(5);
    await files.remove('a');
    await files.flush('a', 0);
    expect(await files.sizeOf('a', 1)).toBe(0);
  });

  it('removes at a start what no job needs, and nothing else', async () => {
    const { files, folder } = await prepared();
    for (const id of ['needed', 'orphan']) {
      mkdirSync(join(folder, 'files', id));
      writeFileSync(files.recordingPath(id), 'sound');
    }
    spooled(files, 'half an upload');
    await files.prepare(['needed']);
    expect(readdirSync(join(folder, 'files'))).toEqual(['needed']);
    expect(existsSync(files.recordingPath('needed'))).toBe(true);
    expect(readdirSync(files.incomingDir)).toEqual([]);
  });
});

describe('digestForm', () => {
  it('tells forms apart by recording, samples and fields', async () => {
    const { files } = await prepared();
    const [sound, other] = [spooled(files, 'sound'), spooled(files, 'other')];
    const fields = [{ name: 'a', value: 'b' }];
    const form = { path: sound, samplePaths: [], fields, digest: null };
    const forms = [
      form,
      { ...form, path: other },
      { ...form, samplePaths: [other] },
      { ...form, fields: [...fields, ...fields] },
      { ...form, fields: [{ name: 'ab', value: '' }] },
    ];
    const digests = await Promise.all(forms.map(digestForm));
    expect(new Set(digests).size).toBe(forms.length);
    const twin = { ...form, path: spooled(files, 'sound') };
    expect(await digestForm(twin)).toBe(digests[0]);
  });

  it('does not read a recording whose digest is known', async () => {
    const { files } = await prepared();
    const form = { path: spooled(files, 'sound'), samplePaths: [], fields: [], digest: null };
    const digest = createHash('sha256').update('sound').digest('hex');
    const known = { ...form, path: join(files.incomingDir, 'nothing'), digest };
    expect(await digestForm(known)).toBe(await digestForm(form));
  });
});
