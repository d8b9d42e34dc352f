/** The memory of the card, read by nvidia-smi. */
import type { Probes } from '#origin/cli/checks/probes.ts';

export interface CardMemory {
  readonly usedMib: number;
  readonly totalMib: number;
}

const QUERY = ['--query-gpu=memory.used,memory.total', '--format=csv,noheader,nounits'];

/** Of the first card, all programs together; null where nobody can tell. */
export async function readCardMemory(probes: Pick<Probes, 'run'>): Promise<CardMemory | null> {
  const result = await probes.run('nvidia-smi', QUERY);
  const [usedMib, totalMib] = (result?.stdout.split('\n')[0] ?? '').split(',').map(Number);
  const isReading = result?.exitCode === 0 && isWhole(usedMib) && isWhole(totalMib);
  return isReading ? { usedMib, totalMib } : null;
}

function isWhole(value: number | undefined): value is number {
  return Number.isInteger(value);
}
