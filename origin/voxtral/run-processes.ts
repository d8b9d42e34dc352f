/**
 * All processes of one run of vLLM: found by a variable in their own environment that holds 128 random bits, so that a
 * process number used anew never hits a stranger, and children that left the process group are found as well.
 */
import { execFile } from 'node:child_process';
import { RUN_VARIABLE, toWslCommand } from '#origin/voxtral/vllm-command.ts';

export interface RunProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** Where the processes are: here, or inside WSL. */
export interface RunPlace {
  readonly wsl: { readonly distribution: string | null } | null;
}

/** Sends a signal to all of them, or none with `list`, and tells whom it found. Nobody found is fine. */
export async function signalRun(
  runId: string,
  signal: 'TERM' | 'KILL' | 'list',
  place: RunPlace,
): Promise<readonly RunProcess[]> {
  if (!/^[0-9a-f]{32}$/.test(runId)) throw new TypeError(`"${runId}" is no name of a run`);
  const inside = ['sh', '-c', SCRIPT, 'sh', `${RUN_VARIABLE}=${runId}`, signal];
  const { program, args } =
    place.wsl === null ? { program: 'sh', args: inside.slice(1) } : toWslCommand(place.wsl, inside);
  const output = await run(program, args);
  return output.split('\n').flatMap((line) => {
    const found = /^(\d+) (.*)$/.exec(line);
    return found === null ? [] : [{ pid: Number(found[1]), commandLine: (found[2] ?? '').trim() }];
  });
}

/** A process that has ended and waits for its parent has neither environment nor command line: it is not found. */
const SCRIPT = `
for file in $(grep -lzxF -e "$1" /proc/[0-9]*/environ 2>/dev/null); do
  pid=\${file#/proc/}
  pid=\${pid%/environ}
  command=$(tr '\\000\\n' '  ' 2>/dev/null < "/proc/$pid/cmdline" | cut -c 1-300)
  [ -n "$command" ] || continue
  [ "$2" = list ] || kill -s "$2" "$pid" 2>/dev/null
  printf '%s %s\\n' "$pid" "$command"
done
exit 0
`;

/** A start of WSL takes seconds. */
const TIMEOUT_MS = 30_000;

function run(program: string, args: readonly string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = { timeout: TIMEOUT_MS, maxBuffer: 1_000_000, windowsHide: true };
  // Where there is no shell and no /proc there is nobody to find.
  execFile(program, [...args], options, (_error, stdout) => resolve(stdout));
  return promise;
}
