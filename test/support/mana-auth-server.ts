/**
 * node test/support/mana-auth-server.ts FILE [PORT]: mana-auth as a program, on a free port unless one is named. People
 * and tokens are Better Auth's, keys of apps a table beside its own, all in one SQLite file, so that a later start knows
 * everyone. Prints its address when it listens.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { getMigrations } from 'better-auth/db/migration';
import { Hono } from 'hono';
import { z } from 'zod';
import { createBetterAuth } from '#test/support/better-auth.ts';

type Auth = ReturnType<typeof createBetterAuth>;

const [file = '', port = '0'] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec(`
  CREATE TABLE IF NOT EXISTS api_key (hash TEXT PRIMARY KEY, userId TEXT, requests INTEGER, window INTEGER);
  CREATE TABLE IF NOT EXISTS secret (value TEXT)`);

const app = new Hono();
const server = serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' }, () => {
  void open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

async function open(url: string): Promise<void> {
  const auth = createBetterAuth({ url, secret: readSecret(), database });
  await (await getMigrations(auth.options)).runMigrations();
  app.all('/api/auth/*', (c) => auth.handler(c.req.raw));
  addKeyRoutes(auth);
  addTestRoutes(auth);
  console.log(url);
}

/** One for all starts: it seals the private keys in the file. */
function readSecret(): string {
  const row = database.prepare('SELECT value FROM secret').get();
  if (row !== undefined) return String(row['value']);
  const secret = randomBytes(48).toString('base64');
  database.prepare('INSERT INTO secret (value) VALUES (?)').run(secret);
  return secret;
}

const Limit = z.object({ requests: z.number(), window: z.number() });
const Question = z.object({ apiKey: z.string(), scope: z.string() });

function addKeyRoutes(auth: Auth): void {
  app.post('/api/v1/api-keys', async (c) => {
    const session = await auth.api.getSession({ headers: c.req.raw.headers });
    if (session === null) return c.json({ error: 'Unauthorized' }, 401);
    const { requests, window } = Limit.parse(await c.req.json());
    const key = `sk_live_${randomBytes(24).toString('hex')}`;
    const insert = database.prepare('INSERT INTO api_key VALUES (?, ?, ?, ?)');
    insert.run(hashOf(key), session.user.id, requests, window);
    return c.json({ key });
  });
  app.post('/api/v1/api-keys/validate', async (c) => {
    const { apiKey, scope } = Question.parse(await c.req.json());
    const row = database.prepare('SELECT * FROM api_key WHERE hash = ?').get(hashOf(apiKey));
    if (row === undefined || scope !== 'stt') return c.json({ valid: false, error: 'Invalid' });
    const { userId, requests, window } = row;
    return c.json({ valid: true, userId, scopes: ['stt'], rateLimit: { requests, window } });
  });
}

/** What only a test may ask: any token, signed with Better Auth's own key, and a new key for the next ones. */
function addTestRoutes(auth: Auth): void {
  app.post('/test/sign', async (c) =>
    c.json(await auth.api.signJWT({ body: { payload: await c.req.json() } })),
  );
  app.post('/test/rotate', (c) => {
    // Better Auth makes a new key with the next token, and goes on publishing the old one.
    database.prepare('UPDATE jwks SET expiresAt = ?').run(new Date().toISOString());
    return c.json({});
  });
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
