import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the living processes of a group that have this name, smallest first. Linux only. */
export function processesOfGroup(groupId: number, program: string): number[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((id) => isMember(id, groupId, program));
}

/** False for a process that has ended. */
function isMember(id: number, groupId: number, program: string): boolean {
  try {
    // pid (name) state ppid pgrp …
    const [, name, state, group] =
      /^\d+ \((.*)\) (\S) \d+ (\d+) /s.exec(readFileSync(`/proc/${id}/stat`, 'utf8')) ?? [];
    return name === program && state !== 'Z' && Number(group) === groupId;
  } catch {
    return false;
  }
}
