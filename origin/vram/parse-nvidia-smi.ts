/** Output of `nvidia-smi --query-… --format=csv,noheader,nounits` → numbers that were checked. Pure. */
import type { DeviceReading, ProcessReading } from '#origin/vram/device.ts';

/** Columns in the order that `parseGpus` expects. Sizes come in MiB. */
export const GPU_QUERY = 'index,uuid,name,memory.total,memory.used,memory.free';
export const PROCESS_QUERY = 'pid,gpu_uuid,used_memory';

/** Every GPU, or null when the text is anything else, even in one line: half a truth is none. */
export function parseGpus(text: string): DeviceReading[] | null {
  const lines = linesOf(text);
  const gpus = lines.map(parseGpu);
  const whole = gpus.filter((gpu) => gpu !== null);
  const isWhole = whole.length > 0 && whole.length === lines.length;
  const isDistinct = new Set(whole.map(({ id }) => id)).size === whole.length;
  return isWhole && isDistinct ? whole : null;
}

/**
 * Memory by process. Lines without a number are left out: Windows and WSL2 write `[N/A]`, and a process that is just
 * ending has none.
 */
export function parseProcesses(text: string): ProcessReading[] {
  return linesOf(text).flatMap((line) => {
    const [pid, device = '', used] = line.split(',').map((cell) => cell.trim());
    const process = { pid: wholeOf(pid), device, usedMib: wholeOf(used) };
    return isProcess(process) ? [process] : [];
  });
}

function isProcess(found: {
  pid: number | null;
  device: string;
  usedMib: number | null;
}): found is ProcessReading {
  return found.pid !== null && found.usedMib !== null && UUID.test(found.device);
}

function parseGpu(line: string): DeviceReading | null {
  const cells = line.split(',').map((cell) => cell.trim());
  const [index, id = ''] = cells;
  // A name may hold a comma; the columns after it are counted from the end.
  const name = cells.slice(2, -3).join(', ').slice(0, MAX_NAME_CHARACTERS);
  const [totalMib, usedMib, freeMib] = cells.slice(-3).map(wholeOf);
  const place = wholeOf(index);
  if (cells.length < 6 || !UUID.test(id) || place === null) return null;
  if (totalMib == null || usedMib == null || freeMib == null) return null;
  // Used and free do not quite add up to total: the driver keeps some of it, which may be in neither.
  if (totalMib === 0 || usedMib > totalMib || freeMib > totalMib - usedMib) return null;
  return { id, kind: 'gpu', index: place, name, totalMib, usedMib: totalMib - freeMib, freeMib };
}

const UUID = /^(GPU|MIG)-[0-9a-fA-F-]{8,64}$/;
const MAX_NAME_CHARACTERS = 100;
/** More than any machine has: beyond it the text is no list. */
const MAX_LINES = 10_000;

function linesOf(text: string): string[] {
  const lines = text.split('\n', MAX_LINES).map((line) => line.trim());
  // A card with a damaged infoROM works on, and the program says so below every list.
  return lines.filter((line) => line !== '' && !line.startsWith('WARNING:'));
}

/** Whole and below 2^31: 2 PiB in MiB. */
function wholeOf(cell: string | undefined): number | null {
  const value = /^\d{1,10}$/.test(cell ?? '') ? Number(cell) : Number.NaN;
  return value < 2 ** 31 ? value : null;
}
