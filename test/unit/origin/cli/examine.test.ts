import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtDirOf, openStore } from '#models/store.ts';
import { findProvider, PROVIDER_FILES } from '#origin/cli/checks/cuda-provider.ts';
import type { Finding, FindingState } from '#origin/cli/checks/finding.ts';
import { type ExamineOptions, examine } from '#origin/cli/examine.ts';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import {
  CUDA_IN_LINKER_CACHE,
  type FakeMachine,
  fakeProbes,
  ONE_GPU,
} from '#test/support/fake-probes.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const { publicKey } = await generateAssertionKeys();
const AUTH = 'https://auth.example.org';
const KEY = 'b8c1e0f2a4d69758b8c1e0f2a4d69758';

const HEALTHY_SETTINGS = {
  API_KEYS: `${KEY}:app`,
  MANA_AUTH_URL: AUTH,
  EDGE_ASSERTION_PUBLIC_KEYS: publicKey,
  USE_VLLM: 'true',
  VLLM_URL: 'http://localhost:8100',
  PATH: '/usr/bin',
  HOME: '/home/mana',
};

const HEALTHY_ANSWERS: Readonly<Record<string, unknown>> = {
  [`${AUTH}/api/auth/jwks`]: { keys: [] },
  'http://127.0.0.1:20241/ready': { status: 200, readyConnections: 4, connectorId: 'x' },
  'http://localhost:8100/v1/models': { data: [{ id: 'mistralai/Voxtral-Mini-3B-2507' }] },
};

const CPU_SESSION = { stdout: '{"ok": true}\n' };

/** What is changed on a machine where all is well. */
interface Change extends Omit<FakeMachine, 'programs' | 'files' | 'environment'> {
  readonly environment?: Readonly<Record<string, string>>;
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly programs?: NonNullable<FakeMachine['programs']>;
  readonly files?: NonNullable<FakeMachine['files']>;
  readonly options?: Partial<ExamineOptions>;
}

function examineWith(change: Change): Promise<Finding[]> {
  const { environment, answers, programs, files, options, ...rest } = change;
  const known = { ...HEALTHY_ANSWERS, ...answers };
  const probes = fakeProbes({
    environment: { ...HEALTHY_SETTINGS, DATA_DIR: tempDir(), ...environment },
    programs: {
      [process.execPath]: CPU_SESSION,
      timedatectl: { stdout: 'yes\n' },
      ...programs,
    },
    files: { '/proc/cpuinfo': 'flags\t\t: avx2 avx512_vnni\n', ...files },
    getJson: async (url) => known[url] ?? null,
    compareClocks: async () => ({ theirs: 1_000_000, ours: 1_000_400 }),
    owner: () => ({ userId: 1000, permissions: 0o700 }),
    ...rest,
  });
  return examine(probes, { folder: '/home/mana/mana-stt', decoding: OWN_DECODER, ...options });
}

const OWN_DECODER = { decoder: 'node-av' } as const;

function brokenDecoder(): ExamineOptions['decoding'] {
  const args = () => ['-e', '0'];
  return {
    decoder: 'node-av',
    command: { name: 'broken', file: process.execPath, args, probeArgs: args },
  };
}

function modelWithoutManifest(): string {
  const folder = tempDir();
  const model = builtDirOf(openStore(folder), 'tiny', 'cpu');
  mkdirSync(model, { recursive: true });
  writeFileSync(join(model, 'manifest.json'), '{');
  return folder;
}

function secretFile(): string {
  const path = join(tempDir(), 'api_keys');
  writeFileSync(path, `${KEY}:app\n`);
  return path;
}

function onGpu(change: Change = {}): Change {
  const { dir } = findProvider(fakeProbes());
  return {
    ...change,
    environment: { WHISPER_DEVICE: 'cuda', ...change.environment },
    programs: {
      'nvidia-smi': { stdout: ONE_GPU },
      'ldconfig -p': { stdout: CUDA_IN_LINKER_CACHE },
      ...change.programs,
    },
    files: {
      ...Object.fromEntries(PROVIDER_FILES.map((name) => [join(dir, name), ''])),
      ...change.files,
    },
  };
}

interface Planted {
  readonly fault: string;
  readonly change: () => Change;
  readonly check: string;
  readonly state: Exclude<FindingState, 'ok'>;
  readonly says: RegExp;
  readonly fix: RegExp;
}

const PLANTED: readonly Planted[] = [
  {
    fault: 'an old Node',
    change: () => ({ nodeVersion: '20.20.0' }),
    ...{ check: 'node', state: 'fault' },
    says: /^Node 20\.20\.0 on linux x64 cannot run TypeScript$/,
    fix: /Install Node 22\.18/,
  },
  {
    fault: 'an old driver',
    change: () => onGpu({ programs: { 'nvidia-smi': { stdout: 'GTX 1080, 470.82.01, 8192\n' } } }),
    ...{ check: 'driver', state: 'fault' },
    says: /GTX 1080.*470\.82\.01: too old/,
    fix: /Update the driver to 525/,
  },
  {
    fault: 'a driver that does not answer',
    change: () =>
      onGpu({ programs: { 'nvidia-smi': { exitCode: 9, stdout: 'No devices were found\n' } } }),
    ...{ check: 'driver', state: 'fault' },
    says: /nvidia-smi says: No devices were found/,
    fix: /Install NVIDIA's driver/,
  },
  {
    fault: 'a provider that npm ci has removed',
    change: () => ({ ...onGpu(), files: { '/proc/cpuinfo': 'flags\t\t: avx2\n' } }),
    ...{ check: 'provider', state: 'fault' },
    says: /missing in onnxruntime-node: libonnxruntime_providers_cuda\.so/,
    fix: /npm run setup:cuda/,
  },
  {
    fault: 'a GPU that computes nothing',
    change: () => onGpu({ programs: { [process.execPath]: { exitCode: 1, stdout: 'oops' } } }),
    ...{ check: 'session', state: 'fault' },
    says: /could not run on CUDA: exit code 1/,
    fix: /set-up-a-gpu\.md/,
  },
  {
    fault: 'a native library that does not load',
    change: () => ({ programs: { [process.execPath]: { exitCode: 127, stdout: '' } } }),
    ...{ check: 'onnxruntime', state: 'fault' },
    says: /could not run on the CPU: exit code 127/,
    fix: /npm ci.*glibc/,
  },
  {
    fault: 'a model that is not there',
    change: () => ({ environment: { WHISPER_MODEL: 'large-v3' } }),
    ...{ check: 'default model', state: 'fault' },
    says: /"large-v3" is not built/,
    fix: /npm run models -- pull large-v3 --target cpu/,
  },
  {
    fault: 'a broken model',
    change: () => ({ environment: { MODELS_DIR: modelWithoutManifest() } }),
    ...{ check: 'models', state: 'fault' },
    says: /manifest/,
    fix: /Pull or build the model again/,
  },
  {
    fault: 'a full disk',
    change: () => ({ freeDiskBytes: async () => 50e6 }),
    ...{ check: 'disk', state: 'fault' },
    says: /^0\.1 GB free for uploads in work/,
    fix: /Free some room/,
  },
  {
    fault: 'a port that another program holds',
    change: () => ({ tryToListen: async () => 'EADDRINUSE' }),
    ...{ check: 'port', state: 'fault' },
    says: /127\.0\.0\.1:3020 is taken by another program/,
    fix: /set PORT/,
  },
  {
    fault: 'a broken ffmpeg',
    change: () => ({ options: { decoding: brokenDecoder() } }),
    ...{ check: 'decoder', state: 'fault' },
    says: /failed: /,
    fix: /ffmpeg/,
  },
  {
    fault: 'an easy key',
    change: () => ({ environment: { API_KEYS: 'secret123:app' } }),
    ...{ check: 'keys', state: 'warning' },
    says: /^the key of app is easy to guess$/,
    fix: /openssl rand -hex 24/,
  },
  {
    fault: 'the example key, open to the network',
    change: () => ({ environment: { HOST: '0.0.0.0', API_KEYS: 'sk-dev:dev' } }),
    ...{ check: 'keys', state: 'fault' },
    says: /the key of dev is the example of this repository/,
    fix: /openssl rand/,
  },
  {
    fault: 'a file of keys that everybody may read',
    change: () => ({
      environment: { API_KEYS: '', API_KEYS_FILE: secretFile() },
      owner: (path) => ({ userId: 1000, permissions: path.endsWith('api_keys') ? 0o644 : 0o700 }),
    }),
    ...{ check: 'keys', state: 'warning' },
    says: /API_KEYS_FILE names a file that others may read or change \(644\)/,
    fix: /chmod 640/,
  },
  {
    fault: 'a service of tokens that is out of reach',
    change: () => ({ answers: { [`${AUTH}/api/auth/jwks`]: null } }),
    ...{ check: 'keys', state: 'fault' },
    says: /auth\.example\.org gives no keys to check tokens with/,
    fix: /MANA_AUTH_URL/,
  },
  {
    fault: 'a clock that is wrong',
    change: () => ({ compareClocks: async () => ({ theirs: 1_000_000, ours: 1_095_000 }) }),
    ...{ check: 'clock', state: 'fault' },
    says: /95 s ahead of https:\/\/auth\.example\.org/,
    fix: /timedatectl set-ntp true/,
  },
  {
    fault: 'a tunnel without connections',
    change: () => ({ answers: { 'http://127.0.0.1:20241/ready': { readyConnections: 0 } } }),
    ...{ check: 'tunnel', state: 'fault' },
    says: /is not connected to Cloudflare/,
    fix: /journalctl -u cloudflared/,
  },
  {
    fault: 'a tunnel that does not run',
    change: () => ({
      answers: { 'http://127.0.0.1:20241/ready': null },
      programs: { cloudflared: { stdout: 'cloudflared version 2026.1.0' } },
    }),
    ...{ check: 'tunnel', state: 'warning' },
    says: /installed, but does not run/,
    fix: /systemctl start cloudflared/,
  },
  {
    fault: 'no vLLM at VLLM_URL',
    change: () => ({ answers: { 'http://localhost:8100/v1/models': null } }),
    ...{ check: 'vllm', state: 'fault' },
    says: /^no vLLM answers at http:\/\/localhost:8100$/,
    fix: /correct VLLM_URL/,
  },
  {
    fault: 'a vLLM with another model',
    change: () => ({ answers: { 'http://localhost:8100/v1/models': { data: [{ id: 'qwen' }] } } }),
    ...{ check: 'vllm', state: 'fault' },
    says: /serves qwen, not mistralai\/Voxtral-Mini-3B-2507/,
    fix: /vllm serve mistralai\/Voxtral-Mini-3B-2507/,
  },
  {
    fault: 'no vLLM to start',
    change: () => ({ environment: { VLLM_URL: '' } }),
    ...{ check: 'vllm', state: 'fault' },
    says: /USE_VLLM is set, but "vllm --version" does not run/,
    fix: /pip install vllm/,
  },
  {
    fault: 'a port of vLLM that another program holds',
    change: () => ({
      environment: { VLLM_URL: '', VLLM_PORT: '8123' },
      tryToListen: async (_host, port) => (port === 8123 ? 'EADDRINUSE' : null),
    }),
    ...{ check: 'vllm', state: 'fault' },
    says: /port 8123 is taken, but not by our vLLM/,
    fix: /VLLM_PORT/,
  },
  {
    fault: 'a card that is too small for Voxtral',
    change: () => ({
      environment: { VLLM_URL: '', VOXTRAL_MODEL: '24B', WHISPER_DEVICE: 'cpu' },
      programs: { vllm: { stdout: '0.24.0\n' }, 'nvidia-smi': { stdout: ONE_GPU } },
    }),
    ...{ check: 'vllm', state: 'warning' },
    says: /needs about \d+ MiB; vLLM may take 15237 of 24576/,
    fix: /smaller VOXTRAL_MODEL/,
  },
  {
    fault: 'a DATA_DIR that everybody may change',
    change: () => ({ owner: () => ({ userId: 1000, permissions: 0o777 }) }),
    ...{ check: 'permissions', state: 'fault' },
    says: /permissions 777: others may change/,
    fix: /chmod 700/,
  },
  {
    fault: 'a DATA_DIR of somebody else',
    change: () => ({ owner: () => ({ userId: 0, permissions: 0o700 }) }),
    ...{ check: 'permissions', state: 'fault' },
    says: /belongs to user 0, not to 1000/,
    fix: /chown/,
  },
  {
    fault: 'a DATA_DIR that cannot be written',
    change: () => ({ tryToWrite: async () => 'EROFS' }),
    ...{ check: 'storage', state: 'fault' },
    says: /cannot be written \(EROFS\)/,
    fix: /set DATA_DIR/,
  },
  {
    fault: 'little memory',
    change: () => ({ memory: () => ({ totalBytes: 2e9, availableBytes: 0.3e9 }) }),
    ...{ check: 'memory', state: 'warning' },
    says: /^0\.3 GB of 2\.0 GB available; base needs about/,
    fix: /smaller WHISPER_MODEL/,
  },
  {
    fault: 'a setting that cannot be used',
    change: () => ({ environment: { MAX_QUEUE: 'many' } }),
    ...{ check: 'settings', state: 'fault' },
    says: /MAX_QUEUE="many": write a whole number/,
    fix: /docs\/configuration\.md/,
  },
  {
    fault: 'a secret file that is not there',
    change: () => ({ environment: { INTERNAL_API_KEY_FILE: '/nonexistent/key' } }),
    ...{ check: 'settings', state: 'fault' },
    says: /INTERNAL_API_KEY_FILE="\/nonexistent\/key": there is no such file/,
    fix: /docs\/configuration\.md/,
  },
  {
    fault: 'a misspelt variable',
    change: () => ({ environment: { WHISPER_MODLE: 'small' } }),
    ...{ check: 'environment', state: 'warning' },
    says: /WHISPER_MODLE is set, but no setting has that name/,
    fix: /WHISPER_MODEL/,
  },
  {
    fault: 'a file .env that nobody reads',
    change: () => ({ files: { '/home/mana/mana-stt/.env': '' } }),
    ...{ check: 'environment', state: 'warning' },
    says: /a file \.env/,
    fix: /--env-file/,
  },
  {
    fault: 'few open files',
    change: () => ({
      files: { '/proc/self/limits': 'Max open files            256        4096     files\n' },
    }),
    ...{ check: 'environment', state: 'warning' },
    says: /only 256 files/,
    fix: /ulimit -n/,
  },
  {
    fault: 'a checkout on a Windows disk',
    change: () => ({
      files: { '/proc/sys/kernel/osrelease': '5.15.167.4-microsoft-standard-WSL2\n' },
      options: { folder: '/mnt/c/Users/me/mana-stt' },
    }),
    ...{ check: 'environment', state: 'warning' },
    says: /lies on a Windows disk/,
    fix: /Move the repository/,
  },
  {
    fault: 'root',
    change: () => ({ userId: 0 }),
    ...{ check: 'user', state: 'warning' },
    says: /runs as root/,
    fix: /linux-server\.md/,
  },
];

describe('examine', () => {
  it('finds nothing wrong with a healthy machine', async () => {
    const findings = await examineWith({});
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ check }) => check)).size).toBeGreaterThan(15);
  });

  it('finds nothing wrong with a healthy machine with a GPU, but that its model is for the CPU', async () => {
    const findings = await examineWith(onGpu());
    expect(findings.filter(({ state }) => state !== 'ok').map(({ check }) => check)).toEqual([
      'default model',
    ]);
  });

  it.each(PLANTED)('finds $fault and says how to mend it', async ({ change, ...wanted }) => {
    const findings = await examineWith(change());
    const { check, state, says, fix } = wanted;
    // A sentence of its own: no other planted fault is told with these words.
    expect(PLANTED.filter((it) => it.says.source === says.source)).toHaveLength(1);
    expect(findings.filter((it) => it.state !== 'ok')).toContainEqual({
      ...{ check, state },
      message: expect.stringMatching(says),
      action: expect.stringMatching(fix),
    });
  });
});

describe('examine, with a vLLM of our own', () => {
  it.each([
    ['that is installed', { programs: { vllm: { stdout: '0.24.0\n' } } }, /0\.24\.0 is installed/],
    [
      'inside WSL',
      {
        programs: {
          'wsl.exe --distribution Ubuntu --exec vllm --version': { stdout: '0.24.0\n' },
        },
        environment: { VLLM_URL: '', VLLM_WSL: 'true', VLLM_WSL_DISTRIBUTION: 'Ubuntu' },
      },
      /is installed/,
    ],
    [
      'that runs',
      {
        answers: {
          'http://127.0.0.1:8100/v1/models': { data: [{ id: 'mistralai/Voxtral-Mini-3B-2507' }] },
        },
        tryToListen: async (_host, port) => (port === 8100 ? 'EADDRINUSE' : null),
      },
      /^runs, with/,
    ],
  ] satisfies [string, Change, RegExp][])('is content with one %s', async (_what, change, says) => {
    const findings = await examineWith({ environment: { VLLM_URL: '' }, ...change });
    expect(findings.find(({ check }) => check === 'vllm')).toMatchObject({
      state: 'ok',
      message: expect.stringMatching(says),
    });
  });
});

describe('examine, where it cannot know', () => {
  it.each([
    ['the clock', { compareClocks: async () => null, programs: { timedatectl: { stdout: '' } } }],
    ['the disk', { freeDiskBytes: async () => null }],
    ['the owner of DATA_DIR', { owner: () => null }],
    ['its own user', { userId: null }],
  ] satisfies [string, Change][])('does not call %s wrong', async (_what, change) => {
    const findings = await examineWith(change);
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('asks neither cloudflared nor vLLM when they are not wanted', async () => {
    const asked: string[] = [];
    const getJson = async (url: string) => void asked.push(url);
    const environment = { EDGE_ASSERTION_PUBLIC_KEYS: '', USE_VLLM: '', MANA_AUTH_URL: '' };
    await examineWith({ environment, getJson });
    expect(asked).toEqual([]);
  });
});
