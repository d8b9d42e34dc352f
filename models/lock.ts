/** A lock file that keeps two processes from writing the same model at once. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';

import { ModelError } from '#models/model-error.ts';

const LockNote = z.object({ pid: z.int().positive(), host: z.string(), doing: z.string() });

/** Locks held by this process: its own id in a file that is not here is left over from an earlier life. */
const held = new Set<string>();

/**
 * Runs `work` while the lock file exists. A lock that a dead process of this machine left behind is taken over.
 * @param doing completes "Another process … is …", e.g. "building large-v3"
 * @throws ModelError `busy`
 */
export async function withLock<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  if (!tryCreate(path, doing)) takeOver(path, doing);
  held.add(path);
  try {
    return await work();
  } finally {
    held.delete(path);
    rmSync(path, { force: true });
  }
}

/** The file appears with its content, so that nobody reads an empty one: it is written aside and linked. */
function tryCreate(path: string, doing: string): boolean {
  const aside = `${path}.${process.pid}.new`;
  writeFileSync(aside, JSON.stringify({ pid: process.pid, host: hostname(), doing }));
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function takeOver(path: string, doing: string): void {
  const text = read(path);
  const note = text === undefined ? undefined : parse(text);
  if (text !== undefined && isAlive(path, note)) throw busy(path, note);
  if (text !== undefined) {
    // Another process may have taken it over meanwhile: only the file that was read may go.
    const aside = `${path}.${process.pid}`;
    try {
      renameSync(path, aside);
    } catch {
      throw busy(path, note);
    }
    const moved = read(aside);
    if (moved !== undefined && moved !== text) linkSync(aside, path);
    rmSync(aside, { force: true });
  }
  if (!tryCreate(path, doing)) throw busy(path, parse(read(path) ?? ''));
}

function isAlive(path: string, note: z.infer<typeof LockNote> | undefined): boolean {
  if (note === undefined) return false;
  // Nothing can be said of another machine's processes.
  if (note.host !== hostname()) return true;
  if (note.pid === process.pid) return held.has(path);
  try {
    process.kill(note.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function busy(path: string, note: z.infer<typeof LockNote> | undefined): ModelError {
  const who = note === undefined ? '' : ` (process ${note.pid} on ${note.host})`;
  const what = note?.doing ?? 'at work here';
  const advice = `Wait for it; if it no longer runs, delete ${path}.`;
  return new ModelError('busy', `Another process${who} is ${what}. ${advice}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string): z.infer<typeof LockNote> | undefined {
  try {
    return LockNote.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
