/** `npm run verify:gpu` with the stand-ins for vLLM and nvidia-smi. */
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { BRAIN_VARIABLE, MODES_VARIABLE, type Modes } from '#test/support/vllm-stand-in/modes.ts';
import { freePort, STAND_IN } from '#test/support/vllm-world.ts';

const ROOT = join(import.meta.dirname, '../..');
const tempDir = useTempDirs();

/** A card with 1000 MiB in use besides what the stand-in says. */
const NVIDIA_SMI = `#!${process.execPath}
fetch('http://127.0.0.1:' + process.env.VLLM_PORT + '/stand-in/memory')
  .then((answer) => answer.json(), () => ({ usedMib: 0 }))
  .then(({ usedMib }) => console.log(1000 + usedMib + ', 24576'));
`;

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { check: string; state: string; message: string; action?: string }[];
}

async function verify(modes: Partial<Modes>): Promise<{ exitCode: number; report: Report }> {
  const dir = tempDir();
  writeFileSync(join(dir, 'nvidia-smi'), NVIDIA_SMI);
  chmodSync(join(dir, 'nvidia-smi'), 0o755);
  const env = {
    ...process.env,
    PATH: `${dir}${delimiter}${process.env['PATH']}`,
    DATA_DIR: dir,
    VLLM_PORT: String(await freePort()),
    VLLM_COMMAND: `${process.execPath} ${STAND_IN}`,
    [MODES_VARIABLE]: JSON.stringify(modes),
    [BRAIN_VARIABLE]: join(ROOT, 'test/support/vllm-stand-in/fixture-brain.ts'),
  };
  return await new Promise((resolve) => {
    const args = ['origin/cli/verify-gpu.ts', '--json'];
    execFile(process.execPath, args, { cwd: ROOT, env }, (error, stdout) => {
      resolve({ exitCode: Number(error?.code ?? 0), report: JSON.parse(stdout) as Report });
    });
  });
}

describe('npm run verify:gpu', () => {
  it('finds nothing wrong with a vllm that does all it should', async () => {
    const { exitCode, report } = await verify({});
    expect(report.findings.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(report.findings.map(({ check }) => check)).toEqual([
      'start',
      'version',
      'JSON en',
      'stream en',
      'JSON de',
      'stream de',
      'long',
      'leaving',
      'sleep 1',
      'sleep 2',
      'kill',
      'stop',
    ]);
    expect(exitCode).toBe(0);
  });

  it('reports sleep that gives nothing back, and goes on', async () => {
    const { exitCode, report } = await verify({ sleep: 'leak' });
    const sleep = report.findings.find(({ check }) => check === 'sleep 1');
    expect(sleep).toMatchObject({ state: 'warning', message: expect.stringContaining('3300 MiB') });
    expect(report.findings.at(-1)).toMatchObject({ check: 'stop', state: 'ok' });
    expect(exitCode).toBe(0);
  });

  it('ends with 1 and the reason when vllm does not start', async () => {
    const { exitCode, report } = await verify({ start: 'out_of_memory' });
    expect(exitCode).toBe(1);
    expect(report.findings).toEqual([
      expect.objectContaining({
        check: 'start',
        state: 'fault',
        message: expect.stringContaining('VLLM_GPU_MEMORY_UTILIZATION'),
      }),
    ]);
  });
});
