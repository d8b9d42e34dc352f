/** The Worker as it is run on this machine: `wrangler dev` in a process group of its own, on a free port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '#test/support/running-origin.ts';

export interface RunningEdge {
  readonly url: string;
  /** Of wrangler, workerd is below it. */
  readonly pid: number;
  /** What wrangler and the Worker wrote so far. */
  output(): string;
  /** Ends wrangler, and with its group workerd. */
  stop(): Promise<void>;
}

/**
 * Starts the Worker with these variables and waits until it listens; everyone may come in unless they say otherwise. Its
 * state is thrown away at the end. `config` names the wrangler.toml of another Worker.
 */
export async function startEdge(
  variables: Readonly<Record<string, string>>,
  config = join(ROOT, 'wrangler.toml'),
): Promise<RunningEdge> {
  const stateDir = mkdtempSync(join(tmpdir(), 'mana-stt-edge-'));
  const child = spawn(
    join(ROOT, 'node_modules/.bin/wrangler'),
    [
      'dev',
      '--config',
      config,
      ...devParameters({ REQUIRE_AUTH: 'false', ...variables }, stateDir),
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that workerd ends with wrangler whatever happens.
      detached: true,
      env: {
        ...process.env,
        XDG_CONFIG_HOME: join(stateDir, 'config'),
        WRANGLER_SEND_METRICS: 'false',
        NO_COLOR: '1',
      },
    },
  );
  const pid = child.pid;
  if (pid === undefined) throw new Error('wrangler could not be started');
  const kill = () => killGroup(pid, 'SIGKILL');
  process.once('exit', kill);
  let output = '';
  const ready = Promise.withResolvers<string>();
  const read = (chunk: Buffer) => {
    output += chunk.toString();
    const url = /Ready on (http:\/\/[\d.:]+)/.exec(output)?.[1];
    if (url !== undefined) ready.resolve(url);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const closed = once(child, 'close').then(() => {
    ready.reject(new Error(`wrangler ended: ${output}`));
  });
  const url = await ready.promise;
  const stop = async () => {
    child.kill('SIGTERM');
    await closed;
    kill();
    process.off('exit', kill);
    rmSync(stateDir, { recursive: true, force: true });
  };
  return { url, pid, output: () => output, stop };
}

function devParameters(variables: Readonly<Record<string, string>>, stateDir: string): string[] {
  return [
    ...['--env', 'dev', '--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'],
    ...['--persist-to', stateDir, '--show-interactive-dev-session', 'false'],
    ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ];
}

/** A group that is gone already is no fault. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {}
}
