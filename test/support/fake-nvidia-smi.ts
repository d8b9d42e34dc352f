/** A program named nvidia-smi in a folder of its own, for PATH, whose cards the test sets. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FakeGpu {
  readonly index: number;
  readonly uuid: string;
  readonly totalMib: number;
  readonly usedMib: number;
  /** Default 'NVIDIA GeForce RTX 4090'. */
  readonly name?: string;
}

export interface FakeNvidiaSmi {
  /** For PATH. */
  readonly dir: string;
  readonly command: string;
  gpus(gpus: readonly FakeGpu[]): void;
  processes(list: readonly { pid: number; uuid: string; usedMib: number | '[N/A]' }[]): void;
  /** What it prints in place of cards. */
  print(text: string): void;
  mode(mode: 'answer' | 'hang' | 'fail' | 'none' | 'flood' | 'no-processes'): void;
}

export const GPU_A = 'GPU-8a1b2c3d-0000-4000-8000-00000000000a';
export const GPU_B = 'GPU-8a1b2c3d-0000-4000-8000-00000000000b';

/** Makes it in an empty folder, with one card of 24 GiB of which 600 MiB are used. */
export function fakeNvidiaSmi(dir: string): FakeNvidiaSmi {
  const command = join(dir, 'nvidia-smi');
  copyFileSync(join(import.meta.dirname, 'fake-nvidia-smi/nvidia-smi'), command);
  const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
  const fake: FakeNvidiaSmi = {
    ...{ dir, command },
    gpus: (gpus) => write('gpus.csv', gpus.map(toLine).join('')),
    processes: (list) => {
      const lines = list.map(({ pid, uuid, usedMib }) => `${pid}, ${uuid}, ${usedMib}\n`);
      write('processes.csv', lines.join(''));
    },
    print: (text) => write('gpus.csv', text),
    mode: (mode) => write('mode', mode),
  };
  fake.gpus([{ index: 0, uuid: GPU_A, totalMib: 24_564, usedMib: 600 }]);
  fake.processes([]);
  fake.mode('answer');
  return fake;
}

function toLine({ index, uuid, totalMib, usedMib, name }: FakeGpu): string {
  const cells = [index, uuid, name ?? 'NVIDIA GeForce RTX 4090', totalMib, usedMib];
  return `${[...cells, totalMib - usedMib].join(', ')}\n`;
}
