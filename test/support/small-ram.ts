/**
 * Loaded into a service ahead of everything (`node --import`): makes it believe in a container of TEST_RAM_MIB, in which
 * are this process and its children alone, whatever else the machine does.
 */
import { promises, readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const BYTES_PER_MIB = 1024 * 1024;
const limitMib = Number(process.env['TEST_RAM_MIB']);
const realReadFile = promises.readFile;

const FILES: Readonly<Record<string, () => string>> = {
  '/sys/fs/cgroup/memory.max': () => String(limitMib * BYTES_PER_MIB),
  '/sys/fs/cgroup/memory.current': () => String(usedMib() * BYTES_PER_MIB),
  '/sys/fs/cgroup/memory.stat': () => 'inactive_file 0\n',
};

function readFile(...asked: Parameters<typeof realReadFile>): ReturnType<typeof realReadFile> {
  const fake = FILES[String(asked[0])];
  return fake === undefined ? realReadFile(...asked) : Promise.resolve(fake());
}

/** Resident memory of this process and its children. */
function usedMib(): number {
  const tasks = readdirSync('/proc/self/task');
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' '),
  );
  return ['self', ...children].reduce((sum, pid) => sum + rssMib(pid), 0);
}

function rssMib(pid: string): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.ceil(Number(kib ?? 0) / 1024);
  } catch {
    // It has just ended.
    return 0;
  }
}

if (limitMib > 0) {
  Object.assign(promises, { readFile });
  syncBuiltinESMExports();
}
