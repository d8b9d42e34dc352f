/**
 * mana-auth on a free port of this machine: a real Better Auth (people, tokens, JWKS) and a stand-in for the validation
 * of keys, written from the contract. It can be made to fail in every way that is known of servers.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { Hono } from 'hono';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createBetterAuth } from '#test/support/better-auth.ts';

/** What the server does instead of answering. */
export type ManaAuthMode =
  | 'up'
  | 'error500'
  | 'garbage'
  | 'html404'
  | 'redirect'
  | 'endless'
  | 'hangs'
  | 'resets';

export interface ManaAuth {
  readonly url: string;
  mode: ManaAuthMode;
  /** Requests that arrived since the start, failed ones too. */
  readonly counts: { validations: number; jwks: number };
  /** What the validation answers, by key. Others are refused. */
  readonly keys: Map<string, unknown>;
  /** Signs up somebody new. @returns a token of Better Auth and the user's id */
  signUp(): Promise<{ token: string; userId: string }>;
  /** Throws the signing keys away; Better Auth makes a new one. */
  rotateKeys(): Promise<void>;
  /** Signs whatever a test wants with a key that is in the JWKS as `test-key`. */
  sign(payload: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  /** That key's public half, as it stands in the JWKS. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

export const TEST_KID = 'test-key';

/** Starts it. Whoever starts it closes it. */
export async function startManaAuth(): Promise<ManaAuth> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)) };
  const tables = emptyTables();
  const secret = randomBytes(48).toString('base64');
  const auth = createBetterAuth({ url, secret, database: memoryAdapter(tables) });
  const rotateKeys = async () => {
    tables['jwks']?.splice(0);
    // Better Auth makes its key with the first token, and only while there is no other.
    await signUp(auth, url);
    tables['jwks']?.push(toRow(publicJwk));
  };
  await rotateKeys();
  const counts = { validations: 0, jwks: 0 };
  const keys = new Map<string, unknown>();
  const manaAuth: ManaAuth = {
    url,
    mode: 'up',
    counts,
    keys,
    publicJwk,
    signUp: () => signUp(auth, url),
    rotateKeys,
    sign: (payload, header = {}) =>
      new SignJWT(payload)
        .setProtectedHeader({ alg: 'EdDSA', kid: TEST_KID, ...header })
        .sign(privateKey),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const listener = getRequestListener(createApp(auth, manaAuth).fetch, {
    overrideGlobalObjects: false,
  });
  server.on('request', (request, response) => {
    count(request, counts);
    if (!misbehave(manaAuth.mode, response)) {
      void listener(request, response);
    }
  });
  return manaAuth;
}

type Auth = ReturnType<typeof createBetterAuth>;

type Tables = Record<string, Record<string, unknown>[]>;

function emptyTables(): Tables {
  return { user: [], session: [], account: [], verification: [], jwks: [] };
}

/** The oldest key, so that Better Auth signs with one of its own. */
function toRow(publicJwk: object): Record<string, unknown> {
  return {
    id: TEST_KID,
    publicKey: JSON.stringify(publicJwk),
    privateKey: '""',
    createdAt: new Date(0),
    expiresAt: null,
    alg: 'EdDSA',
    crv: 'Ed25519',
  };
}

async function signUp(auth: Auth, url: string): Promise<{ token: string; userId: string }> {
  const name = randomBytes(6).toString('hex');
  const answer = await auth.handler(
    new Request(`${url}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `${name}@example.org`, password: `pw-${name}`, name }),
    }),
  );
  const { user } = (await answer.json()) as { user: { id: string } };
  const cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const request = new Request(`${url}/api/auth/token`, { headers: { cookie } });
  const { token } = (await (await auth.handler(request)).json()) as { token: string };
  return { token, userId: user.id };
}

function createApp(auth: Auth, { keys }: Pick<ManaAuth, 'keys'>): Hono {
  const app = new Hono();
  app.post('/api/v1/api-keys/validate', async (c) => {
    const { apiKey, scope } = await c.req.json<{ apiKey: string; scope: string }>();
    const isAsked = scope === 'stt';
    return c.json((isAsked && keys.get(apiKey)) || { valid: false, error: 'Invalid API key' });
  });
  app.all('/api/auth/*', (c) => auth.handler(c.req.raw));
  return app;
}

function count(request: IncomingMessage, counts: ManaAuth['counts']): void {
  if (request.url === '/api/v1/api-keys/validate') {
    counts.validations++;
  } else if (request.url === '/api/auth/jwks') {
    counts.jwks++;
  }
}

/** @returns false when the server behaves */
function misbehave(mode: ManaAuthMode, response: ServerResponse): boolean {
  switch (mode) {
    case 'up':
      return false;
    case 'hangs':
      return true;
    case 'resets':
      response.socket?.resetAndDestroy();
      return true;
    case 'endless':
      response.writeHead(200, { 'content-type': 'application/json' });
      pour(response);
      return true;
    default:
      response.writeHead(ANSWERS[mode].status, ANSWERS[mode].headers).end(ANSWERS[mode].body);
      return true;
  }
}

const ANSWERS = {
  error500: { status: 500, headers: {}, body: '{"valid":true,"scopes":["stt"],"keys":[]}' },
  garbage: { status: 200, headers: {}, body: '{"valid":"true","keys":"x"' },
  html404: { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not here</h1>' },
  redirect: { status: 302, headers: { location: '/elsewhere' }, body: '{"valid":true}' },
} as const;

function pour(response: ServerResponse): void {
  const chunk = ' '.repeat(64 * 1024);
  const write = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) {
      response.once('drain', write);
    }
  };
  write();
}
