/** GPU memory as `nvidia-smi` tells it: the one source that works for every driver, and in WSL2. */
import { execFile } from 'node:child_process';
import type { ReadingFailure, ReadMemory } from '#origin/vram/device.ts';
import {
  GPU_QUERY,
  PROCESS_QUERY,
  parseGpus,
  parseProcesses,
} from '#origin/vram/parse-nvidia-smi.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface NvidiaSmi {
  /** A name to be looked for in PATH, or a path. */
  readonly command: string;
  /** Of one run; then it is killed. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * Makes the reader. Each reading runs the program twice: processes, then devices. In this order what grew in between
 * is seen as used and still as expected, never as neither. Without the processes the reading counts all the same.
 */
export function gpuReader({ command, timeoutMs = 5000 }: NvidiaSmi): ReadMemory {
  const ask = (what: string, columns: string) =>
    run(command, [`--query-${what}=${columns}`, '--format=csv,noheader,nounits'], timeoutMs);
  return async function readGpus() {
    const processes = await ask('compute-apps', PROCESS_QUERY);
    // A program that is not there or hangs does so twice.
    const isDead = !processes.ok && ['missing', 'timeout'].includes(processes.error.problem);
    const gpus = isDead ? processes : await ask('gpu', GPU_QUERY);
    if (!gpus.ok) return gpus;
    const devices = parseGpus(gpus.value);
    if (devices === null) return fail({ problem: 'nonsense', said: firstLine(gpus.value) });
    return ok({ devices, processes: processes.ok ? parseProcesses(processes.value) : [] });
  };
}

/** 16 GPUs take 2 KB; a program that writes without end is none. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** SIGKILL: what hangs in the driver does not hear a polite signal. */
function run(
  command: string,
  parameters: readonly string[],
  timeoutMs: number,
): Promise<Result<string, ReadingFailure>> {
  const options = {
    ...({ timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const),
    windowsHide: true,
  };
  const { promise, resolve } = Promise.withResolvers<Result<string, ReadingFailure>>();
  const timeout = () => resolve(fail({ problem: 'timeout', limitMs: timeoutMs }));
  // A process in the kernel's hands is not even ended by SIGKILL: nobody waits for it any longer.
  const deadline = setTimeout(timeout, timeoutMs + KILL_GRACE_MS);
  execFile(command, parameters, options, (error, stdout, stderr) => {
    clearTimeout(deadline);
    if (error === null) return resolve(ok(stdout));
    if (error.killed === true && error.code !== 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
      return timeout();
    }
    const isMissing = error.code === 'ENOENT' || error.code === 'EACCES';
    const said = firstLine(`${stdout}\n${stderr}`) || firstLine(error.message);
    resolve(fail(isMissing ? { problem: 'missing' } : { problem: 'failed', said }));
  });
  return promise;
}

const KILL_GRACE_MS = 500;

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
}
