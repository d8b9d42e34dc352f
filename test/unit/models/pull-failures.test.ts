import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { pullModel } from '#models/pull.ts';
import type { ModelEntry } from '#models/registry/entry.ts';
import { TOKEN } from '#test/support/hub-server.ts';
import {
  COMMIT,
  ENTRY,
  filesWith,
  REPOSITORY,
  usePulls,
  WEIGHTS,
  watchProgress,
} from '#test/support/pull-fixture.ts';

const { serve, prepare } = usePulls();

describe('a server that misbehaves', () => {
  it('has its corrupt file deleted', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', afterBytes: 500_000, ending: 'corrupt' });
    const { options, weights } = prepare(server);
    await expect(pullModel(options)).rejects.toThrow(
      /model\.safetensors from .* is corrupt.*deleted/,
    );
    expect(existsSync(weights) || existsSync(`${weights}.part`)).toBe(false);
  });

  it('cannot pass off a corrupt small file either', async () => {
    const server = await serve();
    server.faults.push({ path: 'config.json', afterBytes: 3, ending: 'corrupt' });
    const { options } = prepare(server);
    await expect(pullModel(options)).rejects.toMatchObject({ code: 'checksum' });
  });

  it('is refused before any download if it lists other weights than those published', async () => {
    const server = await serve();
    const entry = { ...ENTRY, weights: { dtype: 'F32', sha256: '0'.repeat(64) } } as const;
    const { options } = prepare(server, { entry });
    await expect(pullModel(options)).rejects.toThrow(/offers other weights for tiny/);
    expect(server.requests).toHaveLength(1);
  });

  it('cannot fill the disk with more than it listed', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', ending: 'extra' });
    const { options, weights } = prepare(server);
    await expect(pullModel(options)).rejects.toThrow(/sent more than the 900000 bytes/);
    expect(existsSync(weights)).toBe(false);
  });

  it('is tried again after it said nothing for too long', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', times: 1, afterBytes: 1000, ending: 'stall' });
    const { options, weights } = prepare(server, {}, { stallTimeoutMs: 250 });
    await pullModel(options);
    expect(readFileSync(weights).equals(WEIGHTS)).toBe(true);
  });

  it('ends in a timeout if it never says more', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', afterBytes: 0, ending: 'stall' });
    const hub = { stallTimeoutMs: 100, retry: { backoffMs: 1, maxAttempts: 2 } };
    const { options } = prepare(server, {}, hub);
    await expect(pullModel(options)).rejects.toThrow(/sent nothing for 0\.1 s/);
  });

  it.each([500, 503, 429])('with status %i is asked again', async (status) => {
    const server = await serve();
    const headers = { 'retry-after': '0' };
    server.faults.push({ path: 'config.json', times: 2, status, headers });
    await pullModel(prepare(server).options);
    expect(server.requests.filter(({ status: seen }) => seen === status)).toHaveLength(2);
  });

  it('with status 400 is not asked again', async () => {
    const server = await serve();
    server.faults.push({ path: 'config.json', status: 400 });
    await expect(pullModel(prepare(server).options)).rejects.toThrow(/answered 400/);
    expect(server.requests.filter(({ status }) => status === 400)).toHaveLength(1);
  });

  it('that redirects in a circle is left', async () => {
    const server = await serve();
    const location = `/${REPOSITORY}/resolve/${COMMIT}/config.json`;
    server.faults.push({ path: 'config.json', status: 302, headers: { location } });
    await expect(pullModel(prepare(server).options)).rejects.toThrow(/redirects without end/);
  });

  it('that redirects to a file of this machine is refused', async () => {
    const server = await serve();
    server.faults.push({
      path: 'config.json',
      status: 302,
      headers: { location: 'file:///etc/passwd' },
    });
    await expect(pullModel(prepare(server).options)).rejects.toThrow(/not allowed/);
  });

  it('that is no hub at all is named as such', async () => {
    const server = await serve();
    server.faults.push({ path: 'api' });
    await expect(pullModel(prepare(server).options)).rejects.toThrow(
      /did not answer like the Hugging Face Hub/,
    );
  });
});

describe('access', () => {
  it('to a gated model says how to get it', async () => {
    const { options } = prepare(await serve({ access: 'gated' }));
    await expect(pullModel(options)).rejects.toThrow(
      /denies access to openai\/whisper-tiny \(401\)\. It is gated: accept .* set HF_TOKEN/,
    );
  });

  it('with a token that is not enough says so', async () => {
    const { options } = prepare(await serve({ access: 'forbidden' }), {}, { token: TOKEN });
    await expect(pullModel(options)).rejects.toThrow(/\(403\)\. The token given has no access/);
  });

  it('by token works, and the token goes to the endpoint alone', async () => {
    const server = await serve({ access: 'gated' });
    await pullModel(prepare(server, {}, { token: TOKEN }).options);
    const sent = (host: string) =>
      new Set(server.requests.filter((r) => r.host === host).map((r) => r.authorization));
    expect(sent('hub')).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(sent('content')).toEqual(new Set([undefined]));
  });

  it('to an unknown repository, revision or file names what is missing', async () => {
    const server = await serve();
    const pullWith = (entry: ModelEntry) => pullModel(prepare(server, { entry }).options);
    await expect(pullWith({ ...ENTRY, repository: 'openai/none' })).rejects.toThrow(
      /no openai\/none/,
    );
    await expect(pullWith({ ...ENTRY, revision: 'b'.repeat(40) })).rejects.toMatchObject({
      code: 'not-found',
    });
    const { 'generation_config.json': _, ...files } = filesWith();
    await expect(pullModel(prepare(await serve({ files })).options)).rejects.toThrow(
      /openai\/whisper-tiny at a{12} on .* has no generation_config\.json/,
    );
  });

  it('without a network says so, and what can be done', async () => {
    const server = await serve();
    await server.close();
    await expect(pullModel(prepare(server).options)).rejects.toThrow(
      /Cannot reach 127\.0\.0\.1:\d+: the connection was refused\. .* HF_ENDPOINT/,
    );
  });

  it('never shows the token or a signed address in an error', async () => {
    const server = await serve();
    server.faults.push({ path: 'model.safetensors', status: 403 });
    const error = await pullModel(prepare(server, {}, { token: TOKEN }).options).catch((e) => e);
    expect(error.code).toBe('gated');
    const all = `${error.stack} ${JSON.stringify(error)} ${error.cause?.stack}`;
    expect(all).not.toContain(TOKEN);
    expect(all).not.toContain('secret');
  });

  it('can be cancelled, and what has come stays', async () => {
    const server = await serve();
    const { onProgress, reaches } = watchProgress();
    const controller = new AbortController();
    const { signal } = controller;
    server.faults.push({
      path: 'model.safetensors',
      times: 1,
      afterBytes: 300_000,
      ending: 'stall',
    });
    const { options, weights } = prepare(server, { onProgress, signal });
    const pulling = expect(pullModel(options)).rejects.toMatchObject({ code: 'cancelled' });
    await reaches(300_000);
    controller.abort();
    await pulling;
    expect(statSync(`${weights}.part`).size).toBe(300_000);
    const { signal: _, ...again } = options;
    await pullModel(again);
    expect(server.servedOf('model.safetensors').at(-1)?.sentBytes).toBe(600_000);
  });
});

describe('a full disk', () => {
  it('is found before the download starts', async () => {
    const server = await serve();
    const freeBytes = async () => 100e6;
    const { options } = prepare(server, { freeBytes });
    await expect(pullModel(options)).rejects.toThrow(/tiny needs 1 MB more .* has 100 MB free/);
    expect(server.requests).toHaveLength(1);
  });

  it('does not stop a pull that needs nothing more', async () => {
    const { options } = prepare(await serve());
    await pullModel(options);
    await pullModel({ ...options, freeBytes: async () => 0 });
  });

  // /dev/full answers every write with ENOSPC, as a full disk does.
  it.skipIf(!existsSync('/dev/full'))('during the download is named, with advice', async () => {
    const server = await serve();
    const { options, dir, weights } = prepare(server);
    await pullModel({ ...options, freeBytes: async () => 0 }).catch(() => {});
    expect(existsSync(dir)).toBe(true);
    symlinkSync('/dev/full', `${weights}.part`);
    await expect(pullModel(options)).rejects.toThrow(
      /disk of .* is full; model\.safetensors is not/,
    );
  });
});
