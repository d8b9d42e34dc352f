import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { JobFiles } from '#origin/jobs/job-files.ts';
import { JobStore } from '#origin/jobs/job-store.ts';
import { performJob } from '#origin/jobs/perform-job.ts';
import { createMetrics } from '#origin/metrics/metrics.ts';
import type { Transcriber } from '#origin/pipeline/transcriber.ts';
import { newSpoolPath } from '#origin/spool.ts';
import { newJob } from '#test/support/new-job.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

it('never works on a recording of which a part is gone', async () => {
  const folder = tempDir();
  const files = new JobFiles(folder);
  await files.prepare([]);
  const path = newSpoolPath(files.incomingDir);
  writeFileSync(path, 'half of it');
  const form = newJob({ sizeBytes: 20 });
  await files.adopt(form.id, { path, samplePaths: [], fields: [], digest: null });
  const store = new JobStore(join(folder, 'jobs.sqlite'));
  const asked: unknown[] = [];
  const transcriber = {
    transcribe: async (it: unknown) => asked.push(it),
  } as unknown as Transcriber;
  const work = { signal: new AbortController().signal, onProgress: () => {} };
  const tools = { files, transcriber, metrics: createMetrics(), now: () => 0 };
  const done = performJob(store.insert(form), work, tools);
  await expect(done).rejects.toMatchObject({ error: { kind: 'internal' } });
  expect(asked).toEqual([]);
  store.close();
});
