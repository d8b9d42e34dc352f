/** Holds the files on the disk against the hashes of their manifests. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { sha256Of } from '#models/digest.ts';
import type { FileRecord } from '#models/manifest.ts';
import type { InstalledModels } from '#models/store.ts';

export interface VerifyReport {
  readonly name: string;
  /** "source", or the target that the model is built for. */
  readonly kind: string;
  readonly isEmbedded: boolean;
  readonly dir: string;
  readonly files: readonly FileState[];
}

export interface FileState {
  readonly name: string;
  readonly state: 'ok' | 'missing' | 'wrong length' | 'wrong hash';
}

/** Reads every file of the installed models again; `onReport` is called after each model. */
export async function verifyModels(
  installed: Pick<InstalledModels, 'built' | 'sources'>,
  onReport: (report: VerifyReport) => void = () => {},
): Promise<VerifyReport[]> {
  const items = [
    ...installed.sources.map((source) => ({ ...source, kind: 'source', isEmbedded: false })),
    ...installed.built.map((built) => ({ ...built, kind: built.manifest.target })),
  ];
  const reports: VerifyReport[] = [];
  for (const { dir, kind, isEmbedded, manifest } of items) {
    const files = await verifyFiles(dir, manifest.files);
    const report = { name: manifest.name, kind, isEmbedded, dir, files };
    reports.push(report);
    onReport(report);
  }
  return reports;
}

export function isIntact(report: VerifyReport): boolean {
  return report.files.every(({ state }) => state === 'ok');
}

async function verifyFiles(dir: string, files: readonly FileRecord[]): Promise<FileState[]> {
  const states: FileState[] = [];
  for (const file of files) states.push({ name: file.name, state: await stateOf(dir, file) });
  return states;
}

async function stateOf(dir: string, file: FileRecord): Promise<FileState['state']> {
  const path = join(dir, file.name);
  if (!existsSync(path)) return 'missing';
  if (statSync(path).size !== file.bytes) return 'wrong length';
  return (await sha256Of(path)) === file.sha256 ? 'ok' : 'wrong hash';
}
