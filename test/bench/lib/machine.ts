import { readFileSync } from 'node:fs';
import os from 'node:os';

/** One sentence on what the numbers were measured on: processor, cores, memory, system, Node, day, load. */
export function machineFacts(): string {
  const cpus = os.cpus();
  const memoryGib = (os.totalmem() / 2 ** 30).toFixed(0);
  const load = os.loadavg()[0]!.toFixed(2);
  const day = new Date().toISOString().slice(0, 10);
  return (
    `Machine: ${cpus[0]?.model.trim() ?? 'unknown processor'}${vectorUnits()}, ${cpus.length} logical cores, ` +
    `${memoryGib} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}. ` +
    `${day}; load average over the minute before the start ${load}.`
  );
}

/** The instruction sets that decide the speed of int8 kernels. */
function vectorUnits(): string {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    const known = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8'];
    const present = known.filter((flag) => flags.split(' ').includes(flag));
    return present.length > 0 ? ` (${present.join(', ')})` : '';
  } catch {
    return '';
  }
}
