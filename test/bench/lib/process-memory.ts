/** Memory of a process and all its descendants, from /proc (Linux). */

import { readdirSync, readFileSync } from 'node:fs';

export interface TreeMemory {
  readonly processes: number;
  /** Sum of the resident sets; pages that processes share count in each. */
  readonly rssMib: number;
  /** Sum of the proportional sets; a shared page counts once. */
  readonly pssMib: number;
}

/** Memory of the tree under `rootPid` now. A process that ends meanwhile counts as nothing. */
export function treeMemory(rootPid: number): TreeMemory {
  const pids = processTree(rootPid);
  const total = (field: (pid: number) => number) =>
    pids.reduce((sum, pid) => sum + field(pid), 0) / 1024;
  return {
    processes: pids.length,
    rssMib: total((pid) => kib(`/proc/${pid}/status`, 'VmRSS')),
    pssMib: total((pid) => kib(`/proc/${pid}/smaps_rollup`, 'Pss')),
  };
}

/** The process and all its descendants. */
export function processTree(rootPid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : null;
    if (parent === null) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [rootPid];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Field 4 of /proc/PID/stat; the name in field 2 may hold spaces and brackets. */
function parentOf(pid: string): number | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function kib(file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(file))?.[1] ?? 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Between two samples of `withPeak`. */
export const SAMPLE_MS = 250;

/** Runs the task and keeps the sample with the largest resident set. */
export async function withPeak<T>(
  pid: number,
  task: () => Promise<T>,
): Promise<{ result: T; peak: TreeMemory }> {
  let peak = treeMemory(pid);
  const sample = () => {
    const now = treeMemory(pid);
    if (now.rssMib > peak.rssMib) peak = now;
  };
  const timer = setInterval(sample, SAMPLE_MS);
  try {
    const result = await task();
    sample();
    return { result, peak };
  } finally {
    clearInterval(timer);
  }
}
