import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ramReader } from '#origin/vram/ram-reading.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const makeDir = useTempDirs();
const MIB = 1024 * 1024;

function machine(files: Readonly<Record<string, string>>) {
  const dir = makeDir();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return ramReader({ procDir: join(dir, 'proc'), cgroupDir: join(dir, 'cgroup') });
}

const MEMINFO = 'MemTotal:       16384000 kB\nMemFree: 100 kB\nMemAvailable:    8192000 kB\n';

describe('ramReader', () => {
  it('counts as free what Linux calls available', async () => {
    const read = machine({ 'proc/meminfo': MEMINFO });
    expect(await read([])).toMatchObject({
      value: { devices: [{ id: 'ram', kind: 'ram', totalMib: 16_000, freeMib: 8000 }] },
    });
  });

  it('takes the limit of the container where it is tighter, without its cache', async () => {
    const read = machine({
      'proc/meminfo': MEMINFO,
      'cgroup/memory.max': `${4000 * MIB}\n`,
      'cgroup/memory.current': `${3000 * MIB}\n`,
      'cgroup/memory.stat': `anon 5\ninactive_file ${500 * MIB}\n`,
    });
    const device = { totalMib: 4000, usedMib: 2500, freeMib: 1500 };
    expect(await read([])).toMatchObject({ value: { devices: [device] } });
  });

  it('counts a container without a limit as the machine', async () => {
    const read = machine({ 'proc/meminfo': MEMINFO, 'cgroup/memory.max': 'max\n' });
    expect(await read([])).toMatchObject({ value: { devices: [{ totalMib: 16_000 }] } });
  });

  it('reads the resident memory of the processes that are there', async () => {
    const read = machine({
      'proc/meminfo': MEMINFO,
      'proc/12/status': 'Name:\tnode\nVmRSS:\t  204801 kB\n',
    });
    const processes = [{ pid: 12, device: 'ram', usedMib: 201 }];
    expect(await read([12, 13])).toMatchObject({ value: { processes } });
  });

  it.each([['nonsense'], ['MemTotal: 5 kB\nMemAvailable: 9 kB\n']])(
    'falls back to what Node knows for %j',
    async (text) => {
      const found = await machine({ 'proc/meminfo': text })([]);
      expect(found).toMatchObject({ ok: true });
      const [ram] = found.ok ? found.value.devices : [];
      expect(ram?.totalMib).toBeGreaterThan(100);
    },
  );
});
