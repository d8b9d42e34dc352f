import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { type PullProgress, pullModel } from '#models/pull.ts';
import { withModelLock } from '#models/store.ts';
import { sha256 } from '#test/support/hub-server.ts';
import {
  COMMIT,
  ENTRY,
  filesWith,
  REPOSITORY,
  SMALL_FILES,
  smallBytes,
  usePulls,
  WEIGHTS,
  watchProgress,
} from '#test/support/pull-fixture.ts';

const { serve, prepare } = usePulls();

describe('pullModel', () => {
  it('fetches the files that a build needs, and no others', async () => {
    const server = await serve();
    const { options, dir, weights } = prepare(server);
    const manifest = await pullModel(options);
    expect(manifest.files.map(({ name }) => name)).toEqual([...SMALL_FILES, 'model.safetensors']);
    expect(manifest).toMatchObject({ name: 'tiny', repository: REPOSITORY, revision: COMMIT });
    expect(manifest.files.at(-1)).toMatchObject({ bytes: 900_000, sha256: sha256(WEIGHTS) });
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
    expect(JSON.parse(readFileSync(join(dir, 'source.json'), 'utf8'))).toEqual(manifest);
    expect(existsSync(`${weights}.part`) || existsSync(`${weights}.part.json`)).toBe(false);
    expect(server.servedOf('pytorch_model.bin')).toEqual([]);
  });

  it('fetches nothing twice', async () => {
    const server = await serve();
    const { options } = prepare(server);
    await pullModel(options);
    server.requests.length = 0;
    await pullModel(options);
    expect(server.requests.map(({ url }) => url)).toEqual([
      `/api/models/${REPOSITORY}/tree/${COMMIT}?recursive=1`,
    ]);
  });

  it('replaces a file that was damaged on the disk', async () => {
    const server = await serve();
    const { options, weights } = prepare(server);
    await pullModel(options);
    writeFileSync(weights, Buffer.alloc(WEIGHTS.length));
    await pullModel(options);
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('takes the shards that an index names', async () => {
    const [a, b] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const index = JSON.stringify({ weight_map: { x: a, y: b, z: b } });
    const { 'model.safetensors': _, ...files } = filesWith({
      'model.safetensors.index.json': { bytes: Buffer.from(index) },
      [a!]: { bytes: Buffer.from('first'), isLarge: true },
      [b!]: { bytes: Buffer.from('second'), isLarge: true },
    });
    const server = await serve({ files });
    const { options, dir } = prepare(server, { entry: { ...ENTRY, weights: { dtype: 'F32' } } });
    await pullModel(options);
    expect(readFileSync(join(dir, b!), 'utf8')).toBe('second');
  });

  it('refuses an index that leads out of the folder', async () => {
    const index = JSON.stringify({ weight_map: { x: '../../evil.safetensors' } });
    const { 'model.safetensors': _, ...files } = filesWith({
      'model.safetensors.index.json': { bytes: Buffer.from(index) },
    });
    const { options } = prepare(await serve({ files }), {
      entry: { ...ENTRY, weights: { dtype: 'F32' } },
    });
    await expect(pullModel(options)).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('notes the commit that a branch stands for, and fetches from that', async () => {
    const server = await serve();
    const { options } = prepare(server, { entry: { ...ENTRY, revision: 'main', isPinned: false } });
    expect((await pullModel(options)).revision).toBe(COMMIT);
    expect(server.servedOf('config.json')[0]?.url).toContain(`/resolve/${COMMIT}/`);
  });

  it('works with a mirror under a path', async () => {
    const server = await serve();
    const { options } = prepare(server, {}, { endpoint: `${server.endpoint}/mirror/` });
    await pullModel(options);
    expect(server.requests[0]?.url).toMatch(/^\/mirror\/api\/models/);
  });

  it('reports progress up to all bytes of the model', async () => {
    const seen: PullProgress[] = [];
    const { options } = prepare(await serve(), { onProgress: (progress) => seen.push(progress) });
    await pullModel(options);
    const done = seen.map(({ doneBytes }) => doneBytes);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(seen.at(-1)?.doneBytes).toBe(WEIGHTS.length + smallBytes());
    expect(seen.at(-1)?.totalBytes).toBe(WEIGHTS.length + smallBytes());
  });

  it('lets one process at a time work on a model', async () => {
    const { options } = prepare(await serve());
    const doing = 'building tiny';
    const work = () => expect(pullModel(options)).rejects.toThrow(/process .* is building tiny/);
    await withModelLock(options.store, 'tiny', { doing, work });
    await pullModel(options);
  });
});

describe('a transfer that is cut', () => {
  it('goes on where it ended, and no byte is sent twice', async () => {
    const server = await serve();
    const { onProgress, reaches } = watchProgress();
    server.faults.push({
      ...{ path: 'model.safetensors', times: 1, afterBytes: 400_000, ending: 'cut' },
      until: () => reaches(400_000),
    });
    const { options, weights } = prepare(server, { onProgress });
    await pullModel(options);
    const [first, second] = server
      .servedOf('model.safetensors')
      .filter(({ host }) => host === 'content');
    expect(first?.sentBytes).toBe(400_000);
    expect(second).toMatchObject({ status: 206, range: 'bytes=400000-', sentBytes: 500_000 });
    expect(second?.ifRange).toBe(`"${sha256(WEIGHTS)}"`);
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('goes on in a later run', async () => {
    const server = await serve();
    const { onProgress, reaches } = watchProgress();
    server.faults.push({
      ...{ path: 'model.safetensors', times: 1, afterBytes: 700_000, ending: 'cut' },
      until: () => reaches(700_000),
    });
    const retry = { maxAttempts: 1 };
    const { options, weights } = prepare(server, { onProgress }, { retry });
    await expect(pullModel(options)).rejects.toMatchObject({ code: 'cut-off' });
    expect(statSync(`${weights}.part`).size).toBe(700_000);
    expect(existsSync(weights)).toBe(false);
    await pullModel(options);
    expect(server.servedOf('model.safetensors').at(-1)?.sentBytes).toBe(200_000);
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('starts again where the server sends the whole file all the same', async () => {
    const server = await serve();
    const { onProgress, reaches } = watchProgress();
    server.faults.push(
      {
        ...{ path: 'model.safetensors', times: 1, afterBytes: 400_000, ending: 'cut' },
        until: () => reaches(400_000),
      },
      { path: 'model.safetensors', times: 1, ignoreRange: true },
    );
    const { options, weights } = prepare(server, { onProgress });
    await pullModel(options);
    expect(server.servedOf('model.safetensors').at(-1)).toMatchObject({
      status: 200,
      sentBytes: 900_000,
    });
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('does not mix a part with another content of the same name', async () => {
    const server = await serve();
    const { options, dir, weights } = prepare(server, {
      entry: { ...ENTRY, weights: { dtype: 'F32' } },
    });
    await pullModel(options);
    const next = Buffer.from(WEIGHTS.map((byte) => byte ^ 1));
    writeFileSync(`${weights}.part`, WEIGHTS.subarray(0, 500_000));
    writeFileSync(`${weights}.part.json`, JSON.stringify({ digest: sha256(WEIGHTS), etag: null }));
    server.repositories[REPOSITORY] = {
      commit: COMMIT,
      files: filesWith({ 'model.safetensors': { bytes: next, isLarge: true } }),
    };
    await pullModel(options);
    expect(readFileSync(weights).equals(next)).toBe(true);
    expect(existsSync(join(dir, 'model.safetensors.part'))).toBe(false);
  });

  it('may be cut more often than attempts are allowed, as long as each brings something', async () => {
    const server = await serve();
    const { onProgress, reaches } = watchProgress();
    let sent = 0;
    server.faults.push({
      ...{ path: 'model.safetensors', times: 6, afterBytes: 100_000, ending: 'cut' },
      until: () => {
        sent += 100_000;
        return reaches(sent);
      },
    });
    const { options, weights } = prepare(server, { onProgress });
    await pullModel(options);
    expect(server.servedOf('model.safetensors').map(({ sentBytes }) => sentBytes)).toEqual([
      ...Array.from({ length: 6 }, () => 100_000),
      300_000,
    ]);
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('is given up on after as many attempts in vain as allowed', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', afterBytes: 0, ending: 'cut' });
    const { options } = prepare(server);
    await expect(pullModel(options)).rejects.toMatchObject({ code: 'cut-off' });
    expect(server.servedOf('model.safetensors')).toHaveLength(3);
  });
});
