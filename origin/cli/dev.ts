/**
 * `npm run dev`: the origin on PORT (3020) and the Worker in front of it on EDGE_PORT (8787), both of this checkout and
 * with the keys of local.example.env. When one of them ends, or a signal comes, the other ends too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE_FILE = join(ROOT, 'local.example.env');

async function main(): Promise<void> {
  // What the shell says already stays as it is.
  process.loadEnvFile(EXAMPLE_FILE);
  const port = process.env['PORT'] || '3020';
  // For as long as this runs: nothing else ever signs or trusts with them.
  const keys = await generateAssertionKeys();
  const children = [startOrigin(port, keys.publicKey), startEdge(port, keys.privateKey)];
  const stop = () => {
    for (const child of children) child.kill('SIGTERM');
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const ends = children.map((child) => once(child, 'exit'));
  const [code] = await Promise.race(ends);
  stop();
  await Promise.all(ends);
  process.exitCode = typeof code === 'number' ? code : 0;
}

function startOrigin(port: string, publicKey: string): ChildProcess {
  return spawn(process.execPath, ['origin/main.ts'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PORT: port, EDGE_ASSERTION_PUBLIC_KEYS: publicKey },
  });
}

function startEdge(originPort: string, privateKey: string): ChildProcess {
  const variables = {
    ORIGINS: `local=http://127.0.0.1:${originPort}`,
    EDGE_ASSERTION_PRIVATE_KEY: privateKey,
    API_KEYS: process.env['API_KEYS'] ?? '',
    INTERNAL_API_KEY: process.env['INTERNAL_API_KEY'] ?? '',
  };
  const parameters = [
    ...['dev', '--env', 'dev', '--ip', '127.0.0.1', '--port', process.env['EDGE_PORT'] || '8787'],
    ...['--inspector-port', '0', '--persist-to', '.wrangler/state', '--env-file', EXAMPLE_FILE],
    ...['--show-interactive-dev-session', 'false'],
    ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ];
  return spawn(join(ROOT, 'node_modules/.bin/wrangler'), parameters, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      XDG_CONFIG_HOME: join(ROOT, '.wrangler/config'),
      WRANGLER_SEND_METRICS: 'false',
    },
  });
}

await main();
