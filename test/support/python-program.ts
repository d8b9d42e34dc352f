/** A Python program that talks with the test line by line: JSON out, text in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface PythonProgram {
  readonly process: ChildProcess;
  /** What it prints next, parsed. @throws Error with what it wrote to stderr when it ends before */
  next(): Promise<unknown>;
  /** Lets a program go on that waits in `input()`. */
  go(): void;
  /** Fulfils with the exit code. */
  ended(): Promise<number | null>;
}

/** Whether there is a python3 to run. */
export async function hasPython(): Promise<boolean> {
  const child = spawn('python3', ['--version'], { stdio: 'ignore' });
  const [code] = await Promise.race([once(child, 'exit'), once(child, 'error').then(() => [1])]);
  return code === 0;
}

/** Starts `python3 -c script`; `import json` and `say(value)` are there already. */
export function startPython(
  script: string,
  environment: Readonly<Record<string, string>>,
): PythonProgram {
  const child = spawn('python3', ['-c', `${PRELUDE}${script}`], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment },
  });
  let complaint = '';
  child.stderr.on('data', (part) => {
    complaint += part;
  });
  const exit = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    next: async () => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`python3 ended: ${complaint}`);
      return JSON.parse(line.value);
    },
    go: () => void child.stdin.write('\n'),
    ended: async () => (await exit)[0],
  };
}

const PRELUDE = `
import json
def say(value):
    print(json.dumps(value), flush=True)
`;
