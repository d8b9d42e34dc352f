import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toVoxtralSettings, VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';

const Schema = z.object(VoxtralEnvironment);

function read(variables: Record<string, string>, platform: NodeJS.Platform = 'linux') {
  return toVoxtralSettings(Schema.parse({ USE_VLLM: 'true', ...variables }), platform);
}

function faultsOf(variables: Record<string, string>): string[] {
  const parsed = Schema.safeParse(variables);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path}: ${message}`);
}

function launchOf(variables: Record<string, string>, platform?: NodeJS.Platform) {
  const server = read(variables, platform)?.server;
  return server?.kind === 'supervised' ? server.launch : null;
}

describe('toVoxtralSettings', () => {
  it('is null unless USE_VLLM is set', () => {
    expect(toVoxtralSettings(Schema.parse({}), 'linux')).toBeNull();
  });

  it('runs its own vllm with the 3B by default', () => {
    expect(read({})).toMatchObject({
      model: { id: 'voxtral-mini-3b-2507' },
      server: { kind: 'supervised', launch: { port: 8100, command: ['vllm'], wsl: null } },
      timeoutMs: 300_000,
      maxPieceSeconds: 120,
      concurrency: 4,
    });
  });

  it('uses the vllm of somebody else where VLLM_URL names one', () => {
    expect(read({ VLLM_URL: 'http://10.0.0.5:8000/v1/', VLLM_API_KEY: 'k' })?.server).toEqual({
      kind: 'external',
      baseUrl: 'http://10.0.0.5:8000',
      apiKey: 'k',
    });
  });

  it('starts vllm inside WSL on Windows, unless told otherwise', () => {
    expect(launchOf({}, 'win32')?.wsl).toEqual({ distribution: null });
    expect(launchOf({ VLLM_WSL_DISTRIBUTION: 'Ubuntu-24.04' }, 'win32')?.wsl).toEqual({
      distribution: 'Ubuntu-24.04',
    });
    expect(launchOf({ VLLM_WSL: 'false' }, 'win32')?.wsl).toBeNull();
  });

  it('starts vllm by a Python of its own', () => {
    expect(launchOf({ VLLM_PYTHON: '/opt/vllm/bin/python' })?.command).toEqual([
      '/opt/vllm/bin/python',
      '-m',
      'vllm.entrypoints.cli.main',
    ]);
  });

  it('parts the command as a shell would', () => {
    const VLLM_COMMAND = String.raw`"C:\Program Files\vllm.exe" --flag 'a b' c\ d`;
    expect(launchOf({ VLLM_COMMAND })?.command).toEqual([
      String.raw`C:\Program Files\vllm.exe`,
      '--flag',
      'a b',
      'c d',
    ]);
  });

  it('never makes pieces longer than the model allows', () => {
    expect(read({ VOXTRAL_CHUNK_SECONDS: '599' })?.maxPieceSeconds).toBe(599);
  });
});

describe('VoxtralEnvironment', () => {
  it.each([
    ['USE_VLLM', 'maybe'],
    ['VLLM_URL', 'ftp://x'],
    ['VLLM_URL', 'http://user:secret@x'],
    ['VLLM_PORT', '0'],
    ['VLLM_TIMEOUT', '5s'],
    ['VOXTRAL_MODEL', 'base'],
    ['VOXTRAL_CHUNK_SECONDS', '600'],
    ['VOXTRAL_CONCURRENCY', '0'],
    ['VLLM_COMMAND', "'open"],
    ['VLLM_COMMAND', ' '],
    ['VLLM_GPU_MEMORY_UTILIZATION', '1.5'],
    ['VLLM_IDLE_TIMEOUT', '-2'],
    ['VLLM_IDLE_ACTION', 'nap'],
    ['VLLM_WSL_DISTRIBUTION', '--exec'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
  });
});
