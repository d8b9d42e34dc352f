/** This machine's RAM as a device, for machines without a GPU: the same ledger on top. */
import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { DeviceReading, ProcessReading, ReadMemory } from '#origin/vram/device.ts';
import { ok } from '#shared/result.ts';

export const RAM_DEVICE = 'ram';

/** Where Linux tells; a test writes its own. */
export interface RamSources {
  /** Default `/proc`. */
  readonly procDir?: string;
  /** Default `/sys/fs/cgroup`. */
  readonly cgroupDir?: string;
}

/**
 * Makes the reader. Free is what Linux calls available: caches give way. A container's limit (cgroup v2) counts where
 * it is tighter. Elsewhere the numbers of Node count, and processes are not known.
 */
export function ramReader(sources: RamSources = {}): ReadMemory {
  const { procDir = '/proc', cgroupDir = '/sys/fs/cgroup' } = sources;
  return async function readRam(pids) {
    // Before the rest: what grows in between is then seen as used and still as expected.
    const processes = await Promise.all(pids.map((pid) => readProcess(procDir, pid)));
    const [machine, container] = await Promise.all([
      readMachine(procDir),
      readContainer(cgroupDir),
    ]);
    const totalMib = Math.min(machine.totalMib, container?.totalMib ?? Number.POSITIVE_INFINITY);
    const freeMib = Math.min(
      ...[machine.freeMib, totalMib, container?.freeMib ?? Number.POSITIVE_INFINITY],
    );
    const usedMib = totalMib - freeMib;
    const ram: DeviceReading = {
      ...{ id: RAM_DEVICE, kind: 'ram', index: 0, name: 'RAM', totalMib, usedMib, freeMib },
    };
    return ok({ devices: [ram], processes: processes.filter((process) => process !== null) });
  };
}

interface Amount {
  readonly totalMib: number;
  readonly freeMib: number;
}

async function readMachine(procDir: string): Promise<Amount> {
  const text = await readText(`${procDir}/meminfo`);
  const kib = (name: string) => numberIn(text, new RegExp(`^${name}:\\s+(\\d{1,15}) kB`, 'm'));
  const [total, available] = [kib('MemTotal'), kib('MemAvailable')];
  if (total === null || available === null || available > total) {
    const totalMib = mibOf(totalmem());
    // macOS fills its memory with caches that give way and calls none of it free: there the plan counts alone.
    return { totalMib, freeMib: process.platform === 'darwin' ? totalMib : mibOf(freemem()) };
  }
  return { totalMib: Math.floor(total / 1024), freeMib: Math.floor(available / 1024) };
}

/** Null without a limit (`max`), or with another kind of cgroup. */
async function readContainer(cgroupDir: string): Promise<Amount | null> {
  const [max, current, stat] = await Promise.all(
    ['memory.max', 'memory.current', 'memory.stat'].map((name) => readText(`${cgroupDir}/${name}`)),
  );
  const limit = numberIn(max, /^(\d{1,15})\s*$/);
  const used = numberIn(current, /^(\d{1,15})\s*$/);
  if (limit === null || used === null) return null;
  // Pages of files that were read count as used there, though they give way.
  const cache = numberIn(stat, /^inactive_file (\d{1,15})$/m) ?? 0;
  const freeBytes = Math.max(0, Math.min(limit, limit - used + cache));
  return { totalMib: mibOf(limit), freeMib: mibOf(freeBytes) };
}

async function readProcess(procDir: string, pid: number): Promise<ProcessReading | null> {
  const text = await readText(`${procDir}/${pid}/status`);
  const kib = numberIn(text, /^VmRSS:\s+(\d{1,15}) kB$/m);
  return kib === null ? null : { pid, device: RAM_DEVICE, usedMib: Math.ceil(kib / 1024) };
}

function numberIn(text: string | undefined, pattern: RegExp): number | null {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function mibOf(bytes: number): number {
  return Math.floor(bytes / (1024 * 1024));
}
