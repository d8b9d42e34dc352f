import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MODELS } from '#models/registry.ts';
import { writeTinyCtcModel } from '#test/support/ctc-weights.ts';
import {
  type HubContent,
  type HubServer,
  startHubServer,
  TOKEN,
} from '#test/support/hub-server.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { writeWhisperFolder } from '#test/support/whisper-weights.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The registry pins neither commit nor hash of this one, so any files may stand for it. */
const NAME = 'distil-large-v2';
const REPOSITORY = 'distil-whisper/distil-large-v2';
const FILES = ['config.json', 'generation_config.json', 'tokenizer.json', 'model.safetensors'];

const tempDir = useTempDirs();
let modelsDir = '';
let server: HubServer;

beforeEach(async () => {
  const root = tempDir();
  modelsDir = join(root, 'models');
  writeWhisperFolder(join(root, 'published'));
  const files = FILES.map((name): [string, HubContent] => {
    const bytes = readFileSync(join(root, 'published', name));
    return [name, { bytes, isLarge: name === 'model.safetensors' }];
  });
  const repository = { commit: 'c'.repeat(40), files: Object.fromEntries(files) };
  server = await startHubServer({ [REPOSITORY]: repository });
});
afterEach(() => server.close());

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(ROOT, 'models/cli.ts'), ...args], {
    cwd: ROOT,
    env: { PATH: '', MODELS_DIR: modelsDir, HF_ENDPOINT: server.endpoint, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece) => {
    stdout += piece;
  });
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  return { child, outcome };
}

function run(args: readonly string[], env?: Record<string, string>): Promise<Outcome> {
  return start(args, env).outcome;
}

describe('models list', () => {
  it('shows every known model in columns', async () => {
    const { exitCode, stdout } = await run(['list']);
    expect(exitCode).toBe(0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(rows.length).toBeGreaterThanOrEqual(MODELS.length);
    const column = head.indexOf('DOWNLOAD');
    expect(rows.slice(0, 12).every((row) => row[column - 1] === ' ' && row[column] !== ' ')).toBe(
      true,
    );
    expect(stdout).toMatch(/^align-de +ctc-aligner +de +315 M .* Apache-2\.0$/m);
    expect(stdout).toMatch(/^align-any +ctc-aligner +any .* CC-BY-NC-4\.0: no commercial use$/m);
    expect(stdout).toMatch(/^large-v3 +whisper +many +1543 M +3\.09 GB .* large, Apache-2\.0$/m);
  });

  it('gives the same as JSON', async () => {
    const { stdout } = await run(['list', '--json']);
    const { models } = JSON.parse(stdout);
    expect(models.map(({ name }: { name: string }) => name)).toEqual(
      MODELS.map(({ name }) => name),
    );
    expect(models[0]).toMatchObject({
      repository: 'openai/whisper-tiny',
      parameters: 37_760_640,
      installed: { hasSource: false, targets: [] },
    });
  });
});

describe('models pull, build, verify and rm', () => {
  it('install a model, find a damaged file, and remove the model', async () => {
    const pulled = await run(['pull', NAME, '--target', 'cpu-f32']);
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(pulled.stdout).toMatch(/distil-large-v2: 4 files, .* MB, hashes right/);
    expect(pulled.stdout).toMatch(/distil-large-v2: built for cpu-f32, \d+ files/);
    expect(pulled.stderr).toMatch(/100% of .* MB · model\.safetensors/);

    const dir = join(modelsDir, 'built', NAME, 'cpu-f32');
    const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      ...{ name: NAME, target: 'cpu-f32', architecture: 'whisper', languages: ['de', 'en', 'zh'] },
      source: { repository: REPOSITORY, revision: 'c'.repeat(40) },
    });
    expect((await run(['list'])).stdout).toMatch(/^distil-large-v2 .* source, cpu-f32 /m);
    expect(await run(['verify', NAME])).toMatchObject({ exitCode: 0 });

    writeFileSync(
      join(dir, 'config.json'),
      readFileSync(join(dir, 'config.json')).map((b) => b ^ 1),
    );
    const damaged = await run(['verify']);
    expect(damaged.exitCode).toBe(1);
    expect(damaged.stdout).toMatch(/^distil-large-v2 +source +ok, 4 files$/m);
    expect(damaged.stdout).toMatch(/^distil-large-v2 +cpu-f32 +config\.json: wrong hash$/m);

    expect(await run(['rm', NAME])).toMatchObject({ exitCode: 0 });
    expect(existsSync(dir)).toBe(false);
    expect(await run(['rm', NAME])).toMatchObject({
      exitCode: 1,
      stderr: 'error: distil-large-v2 is not installed.\n',
    });
  });

  it('build a model of one’s own from a folder', async () => {
    writeWhisperFolder(join(modelsDir, 'mine'));
    const built = await run(['build', 'my-model', '--from', join(modelsDir, 'mine')]);
    expect(built).toMatchObject({ exitCode: 0 });
    expect((await run(['list'])).stdout).toMatch(/^my-model .* cpu/m);
  });

  it('leave no half-built model where the folder is not a model', async () => {
    mkdirSync(join(modelsDir, 'mine'), { recursive: true });
    const { exitCode, stderr } = await run(['build', 'mine', '--from', join(modelsDir, 'mine')]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: .*config\.json does not exist\.\n$/);
    expect(existsSync(join(modelsDir, 'built', 'mine', 'cpu'))).toBe(false);
  });

  it('with --no-build only download', async () => {
    expect(await run(['pull', NAME, '--no-build'])).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(modelsDir, 'sources', NAME, 'model.safetensors'))).toBe(true);
    expect(existsSync(join(modelsDir, 'built'))).toBe(false);
  });
});

describe('an aligner', () => {
  const ALIGNER = 'jonatasgrosman/wav2vec2-large-xlsr-53-german';
  const ALIGNER_FILES = [
    ...['config.json', 'vocab.json', 'preprocessor_config.json', 'tokenizer_config.json'],
    'model.safetensors',
  ];
  const publish = (names: readonly string[]) => {
    const dir = join(modelsDir, 'published-aligner');
    writeTinyCtcModel(dir);
    const files = names.map((name): [string, HubContent] => {
      const path = join(dir, name);
      const bytes = existsSync(path) ? readFileSync(path) : Buffer.from('weights');
      return [name, { bytes, isLarge: !name.endsWith('.json') }];
    });
    server.repositories[ALIGNER] = { commit: 'd'.repeat(40), files: Object.fromEntries(files) };
    return dir;
  };

  it('is pulled and built by its short name, with the language of the registry', async () => {
    publish([...ALIGNER_FILES, 'pytorch_model.bin', 'tokenizer.json']);
    const pulled = await run(['pull', 'align-de']);
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(pulled.stdout).toMatch(/align-de: 5 files, .* hashes right/);
    const dir = join(modelsDir, 'built', 'align-de', 'cpu');
    expect(JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'))).toMatchObject({
      ...{ name: 'align-de', architecture: 'wav2vec2', languages: ['de'] },
      source: { repository: ALIGNER, revision: 'd'.repeat(40) },
    });
    expect((await run(['list'])).stdout).toMatch(/^align-de .* source, cpu /m);
    expect(await run(['verify', 'align-de'])).toMatchObject({ exitCode: 0 });
  });

  it('is pulled by its repository, and without the files that it may lack', async () => {
    publish(['config.json', 'vocab.json', 'model.safetensors']);
    const pulled = await run(['pull', ALIGNER, '--target', 'cpu-f32']);
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(pulled.stdout).toMatch(/align-de: 3 files/);
  });

  it('with pickled weights only is refused, with what to do', async () => {
    publish(['config.json', 'vocab.json', 'pytorch_model.bin']);
    const { exitCode, stderr } = await run(['pull', 'align-de']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^error: .*pytorch_model\.bin only.* Convert .* build align-de --from DIR\n$/,
    );
  });

  it('of one’s own is built for the language that is named', async () => {
    const dir = publish(ALIGNER_FILES);
    const built = await run(['build', 'my-irish', '--from', dir, '--language', 'GA']);
    expect(built).toMatchObject({ exitCode: 0 });
    const manifest = join(modelsDir, 'built', 'my-irish', 'cpu', 'manifest.json');
    expect(JSON.parse(readFileSync(manifest, 'utf8')).languages).toEqual(['ga']);
  });

  it('is not built for a language that is no code', async () => {
    const dir = publish(ALIGNER_FILES);
    const built = await run(['build', 'mine', '--from', dir, '--language', 'Irish']);
    expect(built).toMatchObject({ exitCode: 2, stdout: '' });
    expect(built.stderr).toMatch(/^error: "Irish" is not a language's code/);
  });
});

describe('models pull', () => {
  it('stops at an interrupt with code 130 and goes on at the next run', async () => {
    server.faults.push({
      path: 'model.safetensors',
      times: 1,
      afterBytes: 2_000_000,
      ending: 'stall',
    });
    const { child, outcome } = start(['pull', NAME, '--no-build']);
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (piece) => {
        if (`${piece}`.includes('20%')) resolve();
      });
    });
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ exitCode: 130 });
    expect(await run(['pull', NAME, '--no-build'])).toMatchObject({ exitCode: 0 });
    const last = server.servedOf('model.safetensors').at(-1);
    expect(last?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('says in one line what is wrong, and never the token', async () => {
    server.repositories[REPOSITORY] = { commit: 'c'.repeat(40), files: {}, access: 'forbidden' };
    const { exitCode, stdout, stderr } = await run(['pull', NAME], { HF_TOKEN: TOKEN });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^error: 127\.0\.0\.1:\d+ denies access to distil-whisper.*\n$/);
    expect(stderr).not.toContain(TOKEN);
  });

  it('says that it is offline', async () => {
    await server.close();
    const { exitCode, stderr } = await run(['pull', NAME]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: Cannot reach 127\.0\.0\.1:\d+: the connection was refused\./);
  });
});

describe('wrong use', () => {
  it.each([
    [[], 2, ''],
    [['fetch'], 2, 'error: Unknown command fetch\n'],
    [['pull'], 2, 'error: Missing required positional argument: NAME\n'],
    [['list', '--jsn'], 2, 'error: Unknown option --jsn. Known here: --json.\n'],
    [['build', 'tiny'], 1, 'error: tiny is not downloaded. Run: npm run models -- pull tiny\n'],
    [['build', '../x', '--from', '.'], 1, 'error: "../x" cannot be a model\'s name.\n'],
    [['verify', 'tiny'], 1, 'error: tiny is not installed, or its manifest is broken.\n'],
  ])('%j ends with code %i and one line', async (args, exitCode, stderr) => {
    expect(await run(args)).toMatchObject({ exitCode, stderr });
  });

  it('with an unknown model lists the known ones', async () => {
    const { exitCode, stderr } = await run(['pull', 'huge']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: There is no model "huge"\. Known models: tiny, .*\n$/);
  });
});
