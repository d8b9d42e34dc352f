/** How busy the rest of the machine was while something was measured, from /proc (Linux). */

import { readFileSync } from 'node:fs';
import { processTree } from '#test/bench/lib/process-memory.ts';

/**
 * Runs the task and also gives the share of all cores' time, 0 to 1, that processes outside this one's tree used
 * meanwhile; stolen time of a virtual machine counts as used. Null where there is no /proc.
 */
export async function withOtherLoad<T>(
  task: () => Promise<T>,
): Promise<{ result: T; otherShare: number | null }> {
  const before = snapshot();
  const result = await task();
  const after = snapshot();
  if (before === null || after === null) return { result, otherShare: null };
  const other = after.busy - before.busy - (after.own - before.own);
  const share = other / Math.max(after.total - before.total, 1);
  return { result, otherShare: Math.min(Math.max(share, 0), 1) };
}

/** Clock ticks since boot, of all cores together. */
interface Snapshot {
  readonly total: number;
  readonly busy: number;
  /** Of this process, its descendants, and those of them that were waited for. */
  readonly own: number;
}

function snapshot(): Snapshot | null {
  try {
    const cpu = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
    // user nice system idle iowait irq softirq steal; guest times are inside user and nice
    const ticks = cpu.split(' ').slice(0, 8).map(Number);
    const total = ticks.reduce((sum, value) => sum + value, 0);
    const idle = ticks[3]! + ticks[4]!;
    const own = processTree(process.pid).reduce((sum, pid) => sum + ticksOf(pid), 0);
    return { total, busy: total - idle, own };
  } catch {
    return null;
  }
}

/** Fields 14 to 17 of /proc/PID/stat: utime, stime, cutime, cstime. */
function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
  } catch {
    return 0;
  }
}
