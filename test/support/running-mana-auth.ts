/** mana-auth as a program of its own, with a real Better Auth, which can be ended and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { JWTPayload } from 'jose';
import { ROOT } from '#test/support/running-origin.ts';

/** Somebody with an account. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  /** Of the session that the sign-up opened. */
  readonly cookie: string;
}

export interface RunningManaAuth {
  readonly url: string;
  signUp(tier: string): Promise<Person>;
  /** A new session. @returns its cookie */
  signIn(person: Person): Promise<string>;
  /** A token for a session. */
  token(cookie: string): Promise<string>;
  /** A key of that person, with a limit of its own; `window` in seconds. */
  createKey(person: Person, limit: { requests: number; window: number }): Promise<string>;
  /** Signs whatever a test wants with Better Auth's own key. */
  sign(payload: JWTPayload): Promise<string>;
  /** Tokens from now on have another `kid`. */
  rotateKeys(): Promise<void>;
  /** Ends the program at once, as a crash does; nothing listens at its address then. */
  goDown(): Promise<void>;
  /** Starts it again at the same address, with everything it knew. */
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it on a free port. Whoever starts it stops it. */
export async function startManaAuthServer(): Promise<RunningManaAuth> {
  const dataDir = mkdtempSync(join(tmpdir(), 'mana-auth-'));
  let running = await startProgram(dataDir, 0);
  const { url } = running;
  const goDown = async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  const send = (path: string, body: object, cookie = '') =>
    fetch(`${url}${path}`, {
      method: 'POST',
      // Better Auth wants to know which page a cookie comes from.
      headers: { 'Content-Type': 'application/json', Origin: url, Cookie: cookie },
      body: JSON.stringify(body),
    });
  return {
    url,
    goDown,
    comeBack: async () => {
      running = await startProgram(dataDir, Number(new URL(url).port));
    },
    stop: async () => {
      await goDown();
      rmSync(dataDir, { recursive: true, force: true });
    },
    signUp: async (tier) => {
      const name = randomBytes(6).toString('hex');
      const person = { email: `${name}@example.org`, password: `pw-${name}` };
      const answer = await send('/api/auth/sign-up/email', { ...person, name, tier });
      const { user } = await read<{ user: { id: string } }>(answer);
      return { ...person, id: user.id, cookie: cookieOf(answer) };
    },
    signIn: async ({ email, password }) => {
      const answer = await send('/api/auth/sign-in/email', { email, password });
      await read(answer);
      return cookieOf(answer);
    },
    token: async (cookie) => {
      const answer = await fetch(`${url}/api/auth/token`, { headers: { Cookie: cookie } });
      return (await read<{ token: string }>(answer)).token;
    },
    createKey: async ({ cookie }, limit) =>
      (await read<{ key: string }>(await send('/api/v1/api-keys', limit, cookie))).key,
    sign: async (payload) =>
      (await read<{ token: string }>(await send('/test/sign', payload))).token,
    rotateKeys: async () => {
      await read(await send('/test/rotate', {}));
    },
  };
}

interface Program {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

async function startProgram(dataDir: string, port: number): Promise<Program> {
  const file = join(dataDir, 'mana-auth.sqlite');
  const parameters = ['test/support/mana-auth-server.ts', file, String(port)];
  const child = spawn(process.execPath, parameters, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, 'close').then(() => process.off('exit', kill));
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => {
      throw new Error(`mana-auth ended: ${errors}`);
    }),
  ]);
  return { url: String(url), child, ended };
}

async function read<Body>(answer: Response): Promise<Body> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`mana-auth answered ${answer.status}: ${text}`);
  return JSON.parse(text) as Body;
}

function cookieOf(answer: Response): string {
  const lines = answer.headers.getSetCookie();
  return lines.map((line) => line.split(';')[0]).join('; ');
}
