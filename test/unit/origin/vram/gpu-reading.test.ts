import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gpuReader } from '#origin/vram/gpu-reading.ts';
import { unlessMissing } from '#origin/vram/open-vram.ts';
import { fakeNvidiaSmi, GPU_A, GPU_B } from '#test/support/fake-nvidia-smi.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
const fake = () => fakeNvidiaSmi(makeDir());

describe('gpuReader', () => {
  it('reads cards and processes', async () => {
    const smi = fake();
    smi.processes([{ pid: 77, uuid: GPU_A, usedMib: 512 }]);
    const found = await gpuReader(smi)([]);
    expect(found).toMatchObject({
      ok: true,
      value: {
        devices: [{ id: GPU_A, totalMib: 24_564, usedMib: 600, freeMib: 23_964 }],
        processes: [{ pid: 77, device: GPU_A, usedMib: 512 }],
      },
    });
  });

  it('finds the program in PATH', async () => {
    const smi = fake();
    const before = process.env['PATH'];
    process.env['PATH'] = `${smi.dir}:${before}`;
    try {
      expect(await gpuReader({ command: 'nvidia-smi' })([])).toMatchObject({ ok: true });
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('reads cards where processes cannot be had', async () => {
    const smi = fake();
    smi.mode('no-processes');
    expect(await gpuReader(smi)([])).toMatchObject({ ok: true, value: { processes: [] } });
  });

  it('sees a card that is gone', async () => {
    const smi = fake();
    const card = { totalMib: 100, usedMib: 1 };
    smi.gpus([
      { index: 0, uuid: GPU_A, ...card },
      { index: 1, uuid: GPU_B, ...card },
    ]);
    const read = gpuReader(smi);
    expect(await read([])).toMatchObject({ value: { devices: [{ id: GPU_A }, { id: GPU_B }] } });
    smi.gpus([{ index: 0, uuid: GPU_B, ...card }]);
    expect(await read([])).toMatchObject({ value: { devices: [{ id: GPU_B, index: 0 }] } });
  });

  it.each([
    ['fail', { problem: 'failed', said: expect.stringContaining('communicate') }],
    ['none', { problem: 'failed', said: 'No devices were found' }],
  ] as const)('tells what the program said when it fails (%s)', async (mode, error) => {
    const smi = fake();
    smi.mode(mode);
    expect(await gpuReader(smi)([])).toEqual({ ok: false, error });
  });

  it('tells nonsense from a list', async () => {
    const smi = fake();
    smi.print('<html>503</html>\n');
    const error = { problem: 'nonsense', said: '<html>503</html>' };
    expect(await gpuReader(smi)([])).toEqual({ ok: false, error });
  });

  it('gives up a program that hangs and leaves none behind', async () => {
    const smi = fake();
    smi.mode('hang');
    const found = await gpuReader({ command: smi.command, timeoutMs: 100 })([]);
    expect(found).toEqual({ ok: false, error: { problem: 'timeout', limitMs: 100 } });
  });

  it('gives up a program that writes without end', async () => {
    const smi = fake();
    smi.mode('flood');
    expect(await gpuReader(smi)([])).toMatchObject({ ok: false, error: { problem: 'failed' } });
  });

  it('tells that there is no such program', async () => {
    const found = await gpuReader({ command: '/nowhere/nvidia-smi' })([]);
    expect(found).toEqual({ ok: false, error: { problem: 'missing' } });
  });
});

describe('unlessMissing', () => {
  const ram = async () => ({ ok: true, value: { devices: [], processes: [] } }) as const;

  it('takes the second reader for good where the program was never there', async () => {
    const dir = makeDir();
    const read = unlessMissing(gpuReader({ command: `${dir}/nvidia-smi` }), ram);
    expect(await read([])).toEqual(await ram());
    fakeNvidiaSmi(dir);
    expect(await read([])).toEqual(await ram());
  });

  it('stays with the first when the program goes missing later', async () => {
    const smi = fake();
    const read = unlessMissing(gpuReader(smi), ram);
    await read([]);
    rmSync(smi.command);
    expect(await read([])).toEqual({ ok: false, error: { problem: 'missing' } });
  });
});
