import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startChild, stopChild } from '#test/bench/lib/child-processes.ts';
import { processTree, treeMemory } from '#test/bench/lib/process-memory.ts';

/** A process that has ended may stay as a zombie ("Z") until its new parent looks. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'));
}

describe.skipIf(process.platform !== 'linux')('stopChild', () => {
  it('ends the program and what it started, and the tree counted both before', async () => {
    const child = startChild('sh', ['-c', 'sleep 300 & echo up; wait'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    const tree = processTree(child.pid!);
    expect(tree).toHaveLength(2);
    expect(treeMemory(child.pid!)).toMatchObject({ processes: 2 });
    expect(treeMemory(child.pid!).rssMib).toBeGreaterThan(0);
    const closed = once(child, 'close');
    await stopChild(child);
    await closed; // both hold stdout: it closes when both are gone
    expect(tree.filter(isRunning)).toEqual([]);
  });
});
