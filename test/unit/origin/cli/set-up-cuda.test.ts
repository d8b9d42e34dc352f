import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findProvider, PROVIDER_FILES } from '#origin/cli/checks/cuda-provider.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { installEnvironment, installProvider } from '#origin/cli/cuda/install-provider.ts';
import { setUpCuda } from '#origin/cli/cuda/set-up.ts';
import { CUDA_IN_LINKER_CACHE, fakeProbes, ONE_GPU } from '#test/support/fake-probes.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const root = fileURLToPath(new URL('../../../..', import.meta.url));

const everything = {
  'nvidia-smi': { stdout: ONE_GPU },
  ldconfig: { stdout: CUDA_IN_LINKER_CACHE },
  [process.execPath]: { stdout: '{"ok":true}\n' },
};

/** A machine that sees the real files below `packageDir`. */
function machine(programs: Parameters<typeof fakeProbes>[0] = { programs: everything }): Probes {
  return { ...fakeProbes(programs), exists: systemProbes({}).exists };
}

function setUp(probes: Probes, options: { mayInstall?: boolean; exitCode?: number } = {}) {
  const packageDir = tempDir();
  const installs: string[] = [];
  const install = async (dir: string) => {
    installs.push(dir);
    const bin = join(dir, 'bin', 'napi-v6', 'linux', 'x64');
    mkdirSync(bin, { recursive: true });
    if (options.exitCode === undefined) {
      for (const name of PROVIDER_FILES) writeFileSync(join(bin, name), '');
    }
    return options.exitCode ?? 0;
  };
  const { mayInstall = true } = options;
  const findings = setUpCuda({ probes, mayInstall, install, packageDir });
  return findings.then((found) => ({ installs, packageDir, findings: found }));
}

describe('setUpCuda', () => {
  it('installs the provider and runs a session where everything else is there', async () => {
    const { findings, installs, packageDir } = await setUp(machine());
    expect(installs).toEqual([packageDir]);
    expect(findings.map(({ check, state }) => [check, state])).toEqual([
      ['platform', 'ok'],
      ['driver', 'ok'],
      ['libraries', 'ok'],
      ['provider', 'ok'],
      ['libraries', 'ok'],
      ['session', 'ok'],
    ]);
  });

  it.each([
    ['driver', 'nvidia-smi'],
    ['libraries', 'ldconfig'],
  ])('downloads nothing as long as the %s are missing', async (check, program) => {
    const { [program]: _gone, ...programs } = everything;
    const { findings, installs } = await setUp(machine({ programs }));
    expect(installs).toEqual([]);
    expect(findings).toContainEqual(expect.objectContaining({ check, state: 'fault' }));
  });

  it('only looks with --check', async () => {
    const { findings, installs } = await setUp(machine(), { mayInstall: false });
    expect(installs).toEqual([]);
    expect(findings.at(-1)).toMatchObject({ check: 'provider', state: 'fault' });
  });

  it.each([0, 1])(
    'is a fault when the script leaves no provider, exit code %i',
    async (exitCode) => {
      const { findings } = await setUp(machine(), { exitCode });
      expect(findings.at(-1)).toMatchObject({
        state: 'fault',
        message: expect.stringContaining(`exit code ${exitCode}`),
        action: expect.stringContaining('api.nuget.org'),
      });
    },
  );

  it('is a fault when the session does not run', async () => {
    const stdout = '{"ok":false,"problem":"no kernel image"}\n';
    const programs = { ...everything, [process.execPath]: { exitCode: 1, stdout } };
    const { findings } = await setUp(machine({ programs }));
    expect(findings.at(-1)).toMatchObject({
      check: 'session',
      state: 'fault',
      message: expect.stringContaining('no kernel image'),
    });
  });

  it('stops at once on a platform without CUDA', async () => {
    const { findings } = await setUp({ ...machine(), platform: 'darwin', arch: 'arm64' });
    expect(findings.map(({ check }) => check)).toEqual(['platform']);
  });
});

describe('installProvider', () => {
  it('hands the proxy on and keeps what npm and others say of the installation away', () => {
    const given = {
      HOME: '/home/a',
      HTTPS_PROXY: 'http://proxy:3128',
      npm_config_local_prefix: '/project',
      npm_package_json: '/project/package.json',
      ONNXRUNTIME_NODE_INSTALL: 'skip',
      ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip',
    };
    expect(installEnvironment(given)).toEqual({
      HOME: '/home/a',
      HTTPS_PROXY: 'http://proxy:3128',
      GLOBAL_AGENT_HTTPS_PROXY: 'http://proxy:3128',
      ONNXRUNTIME_NODE_INSTALL: 'true',
    });
  });

  it('sets what the installed onnxruntime-node reads as: install', () => {
    const utils = createRequire(import.meta.url).resolve(
      'onnxruntime-node/script/install-utils.js',
    );
    const code = `console.log(require(${JSON.stringify(utils)}).parseInstallFlag())`;
    const env = installEnvironment({ ...process.env, npm_config_local_prefix: root });
    const { stdout } = spawnSync(process.execPath, ['-e', code], { env, encoding: 'utf8' });
    expect(stdout.trim()).toBe('true');
  });

  it("runs the package's own script and gives its exit code", async () => {
    const packageDir = tempDir();
    mkdirSync(join(packageDir, 'script'));
    const script = `require('fs').writeFileSync('said', process.env.ONNXRUNTIME_NODE_INSTALL); process.exit(7)`;
    writeFileSync(join(packageDir, 'script', 'install.js'), script);
    expect(await installProvider(packageDir, process.env)).toBe(7);
    expect(readFileSync(join(packageDir, 'said'), 'utf8')).toBe('true');
  });
});

describe('npm run setup:cuda', () => {
  it('ends with a plain message and exit code 1 where nvidia-smi fails, and changes nothing', () => {
    const bin = join(tempDir(), 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho "No devices were found"; exit 6\n', {
      mode: 0o755,
    });
    const { dir } = findProvider(systemProbes(process.env));
    const before = readdirSync(dir);
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(root, 'origin', 'cli', 'setup-cuda.ts')],
      { env: { ...process.env, PATH: `${bin}:${dirname(process.execPath)}` }, encoding: 'utf8' },
    );
    expect(stdout).toContain('nvidia-smi says: No devices were found');
    expect(stdout).toContain('CUDA cannot be used yet.');
    expect(status).toBe(1);
    expect(readdirSync(dir)).toEqual(before);
  });
});
