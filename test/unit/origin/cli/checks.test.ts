import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkAudioDecoder } from '#origin/cli/checks/audio-decoder.ts';
import { fault, hasFault, ok, renderFindings, warning } from '#origin/cli/checks/finding.ts';
import { checkPort } from '#origin/cli/checks/port.ts';
import { checkMemory, checkNode, checkProcessor } from '#origin/cli/checks/runtime.ts';
import { checkSettings } from '#origin/cli/checks/settings.ts';
import { checkStorage } from '#origin/cli/checks/storage.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { loadConfig } from '#origin/config.ts';
import { fakeProbes } from '#test/support/fake-probes.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const realProbes = systemProbes(process.env);

describe('renderFindings', () => {
  it('writes a line for each finding, what to do below it, and the count', () => {
    const text = renderFindings([ok('node', 'fine'), warning('memory', 'little', 'Buy some.')]);
    expect(text).toBe(
      'ok       node    fine\nwarning  memory  little\n                 → Buy some.\n\n1 ok, 1 warnings, 0 faults\n',
    );
  });

  it('keeps control characters of other programs out of the terminal', () => {
    expect(renderFindings([ok('x', '\u001b[31mred\u001b[0m')])).toContain('red\n');
    expect(renderFindings([ok('x', '\u001b[31mred')])).not.toContain('\u001b');
  });
});

describe('hasFault', () => {
  it('is true for a fault and false for a warning', () => {
    expect(hasFault([ok('a', ''), warning('b', '', '')])).toBe(false);
    expect(hasFault([ok('a', ''), fault('b', '', '')])).toBe(true);
  });
});

describe('checkNode', () => {
  it.each([
    ['22.18.0', 'ok'],
    ['24.1.0', 'ok'],
    ['22.17.1', 'fault'],
    ['20.20.0', 'fault'],
  ])('judges Node %s as %s', (nodeVersion, state) => {
    expect(checkNode(fakeProbes({ nodeVersion })).state).toBe(state);
  });
});

describe('checkProcessor', () => {
  const withFlags = (flags: string) =>
    checkProcessor(fakeProbes({ files: { '/proc/cpuinfo': `flags\t\t: fpu ${flags} sse\n` } }));

  it('warns of a processor without AVX2', () => {
    expect(withFlags('avx').state).toBe('warning');
  });

  it('names the instruction sets found', () => {
    expect(withFlags('avx2').message).toContain('avx2, without VNNI');
    expect(withFlags('avx2 avx512_vnni')).toMatchObject({
      state: 'ok',
      message: expect.stringContaining('avx512_vnni'),
    });
  });

  it('does not guess on another platform', () => {
    expect(checkProcessor(fakeProbes({ platform: 'darwin', arch: 'arm64' })).state).toBe('ok');
  });
});

describe('checkMemory', () => {
  it('warns when the model and the server need more than is available', () => {
    const probes = fakeProbes({ memory: () => ({ totalBytes: 4e9, availableBytes: 1e9 }) });
    expect(checkMemory(probes, { model: 'tiny', bytes: 0.5e9 }).state).toBe('ok');
    expect(checkMemory(probes, { model: 'base', bytes: 0.7e9 }).state).toBe('warning');
  });
});

describe('checkSettings', () => {
  it('lists the variables that are set, without their values', () => {
    const probes = fakeProbes({ environment: { INTERNAL_API_KEY: 'very-secret', PORT: '' } });
    const { findings } = checkSettings(probes);
    expect(findings).toEqual([ok('settings', 'valid; set: INTERNAL_API_KEY')]);
  });

  it('tells every fault and goes on with the defaults', () => {
    const environment = { PORT: 'x', WHISPER_DEVICE: 'tpu' };
    const { config, findings } = checkSettings(fakeProbes({ environment }));
    expect(findings[0]?.state).toBe('fault');
    expect(findings[0]?.message).toMatch(/PORT="x".*WHISPER_DEVICE="tpu"/);
    expect(config.port).toBe(3020);
  });

  it('warns when the service is opened to the network', () => {
    const environment = { HOST: '0.0.0.0', REQUIRE_AUTH: 'false' };
    const { findings } = checkSettings(fakeProbes({ environment }));
    expect(findings.map(({ state }) => state)).toEqual(['ok', 'warning']);
  });

  it('is a fault to open the service to the network without a key', () => {
    const { findings } = checkSettings(fakeProbes({ environment: { HOST: '0.0.0.0' } }));
    expect(findings[1]).toMatchObject({
      state: 'fault',
      message: expect.stringContaining('no key is configured'),
    });
  });

  it('has nothing to say about an open address with keys', () => {
    const environment = { HOST: '0.0.0.0', API_KEYS: 'sk-app1:app1' };
    const { findings } = checkSettings(fakeProbes({ environment }));
    expect(findings.map(({ state }) => state)).toEqual(['ok']);
  });
});

describe('checkStorage', () => {
  it('passes where the folders can be made and written, and leaves no file there', async () => {
    const dataDir = join(tempDir(), 'new', 'data');
    const findings = await checkStorage(realProbes, loadConfig({ DATA_DIR: dataDir }));
    expect(findings.slice(0, 2).map(({ state }) => state)).toEqual(['ok', 'ok']);
    expect(readdirSync(join(dataDir, 'spool'))).toEqual([]);
  });

  it('is a fault where the folder cannot be made', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    const [finding] = await checkStorage(realProbes, loadConfig({ DATA_DIR: join(file, 'data') }));
    expect(finding).toMatchObject({ state: 'fault', message: expect.stringContaining('ENOTDIR') });
  });

  it.each([
    [50e6, 'fault'],
    [1e9, 'warning'],
    [10e9, 'ok'],
    [null, 'ok'],
  ])('judges %s free bytes as %s', async (free, state) => {
    const probes = fakeProbes({ freeDiskBytes: async () => free });
    const findings = await checkStorage(probes, loadConfig({}));
    expect(findings.find(({ check }) => check === 'disk')).toMatchObject({ state });
  });

  it('warns when jobs may take more than there is', async () => {
    const probes = fakeProbes({ freeDiskBytes: async () => 10e9 });
    const findings = await checkStorage(probes, loadConfig({ MAX_JOBS_MB: '20000' }));
    expect(findings.at(-1)).toMatchObject({
      state: 'warning',
      action: expect.stringContaining('MAX_JOBS_MB'),
    });
  });
});

describe('checkPort', () => {
  const servers: { close(): void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serveJson(answer: unknown): Promise<number> {
    const server = createServer((_request, response) => response.end(JSON.stringify(answer)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  it('passes for a free port', async () => {
    expect(await checkPort(realProbes, { host: '127.0.0.1', port: 0 })).toMatchObject({
      state: 'ok',
    });
  });

  it('passes for a port that our own service holds', async () => {
    const port = await serveJson({ service: 'mana-stt', routes: ['GET /'] });
    const finding = await checkPort(realProbes, { host: '127.0.0.1', port });
    expect(finding).toMatchObject({ state: 'ok', message: expect.stringContaining('itself') });
  });

  it('is a fault for a port that another program holds', async () => {
    const port = await serveJson({ service: 'another' });
    const finding = await checkPort(realProbes, { host: '127.0.0.1', port });
    expect(finding).toMatchObject({ state: 'fault', action: expect.stringContaining('PORT') });
  });

  it('asks the owner of a wildcard address over loopback', async () => {
    const asked: string[] = [];
    const probes = fakeProbes({
      tryToListen: async () => 'EADDRINUSE',
      getJson: async (url) => void asked.push(url),
    });
    await checkPort(probes, { host: '0.0.0.0', port: 3020 });
    await checkPort(probes, { host: '::', port: 3020 });
    expect(asked).toEqual(['http://127.0.0.1:3020/', 'http://127.0.0.1:3020/']);
  });

  it('is a fault for an address of another machine', async () => {
    const finding = await checkPort(realProbes, { host: '192.0.2.1', port: 0 });
    expect(finding).toMatchObject({ state: 'fault', message: expect.stringContaining('HOST=') });
  });
});

describe('checkAudioDecoder', () => {
  it('decodes with the built-in decoder', async () => {
    expect(await checkAudioDecoder({ decoder: 'node-av' })).toMatchObject({
      state: 'ok',
      message: expect.stringContaining('node-av'),
    });
  });

  it("decodes with the machine's own choice", async () => {
    expect((await checkAudioDecoder()).state).toBe('ok');
  });

  it('is a fault when the decoder gives no sound', async () => {
    const args = () => ['-e', '0'];
    const command = { name: 'broken', file: process.execPath, args, probeArgs: args };
    const finding = await checkAudioDecoder({ decoder: 'node-av', command });
    expect(finding).toMatchObject({ state: 'fault', action: expect.stringContaining('npm ci') });
  });
});
