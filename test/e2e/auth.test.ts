/** The service as it is run: who gets in with which key, and how often. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { recording } from '#test/support/transcribe-request.ts';

type Headers = Readonly<Record<string, string>>;

async function bring({ url }: RunningOrigin, headers: Headers = {}): Promise<Response> {
  const body = new FormData();
  body.append('file', await recording('en_harbor.flac'));
  return await fetch(`${url}/transcribe`, { method: 'POST', body, headers });
}

describe('a service with API_KEYS', () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startOrigin({
      API_KEYS: 'sk-app1:app1,sk-many:many',
      RATE_LIMIT_REQUESTS: '40',
      RATE_LIMIT_WINDOW: '3600',
    });
  });
  afterAll(() => origin?.stop());

  it('transcribes for who has a key, in either header', async () => {
    for (const headers of [{ 'X-API-Key': 'sk-app1' }, { Authorization: 'Bearer sk-app1' }]) {
      const answer = await bring(origin, headers);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-ratelimit-limit')).toBe('40');
      expect(await answer.json()).toMatchObject({ text: expect.stringMatching(/harbor/i) });
    }
  });

  it.each([
    ['nobody', {}],
    ['a key that is none', { 'X-API-Key': 'sk-app2' }],
    ['two keys', { 'X-API-Key': 'sk-app1', Authorization: 'Bearer sk-app2' }],
  ])('answers %s with 401', async (_name, headers) => {
    const answer = await bring(origin, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('ApiKey');
    expect(await answer.json()).toMatchObject({ code: 'unauthenticated' });
  });

  it('lets exactly as many of 200 requests at once pass as the limit says', async () => {
    const headers = { 'X-API-Key': 'sk-many' };
    const ask = async () => (await fetch(`${origin.url}/models`, { headers })).status;
    const statuses = await Promise.all(Array.from({ length: 200 }, ask));
    expect(statuses.filter((status) => status === 200)).toHaveLength(40);
    expect(statuses.filter((status) => status === 429)).toHaveLength(160);
  });

  it('says in its log how callers get in, and never a key', async () => {
    const line = await origin.logLine((it) => it['access'] !== undefined);
    expect(line).toMatchObject({ access: 'required', msg: 'callers need a key or a token' });
    expect((await origin.health()).auth_required).toBe(true);
    expect(JSON.stringify(origin.log)).not.toContain('sk-');
  });
});

describe('a service without any settings', () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startOrigin();
  });
  afterAll(() => origin?.stop());

  it('says that programs of this machine need no key', async () => {
    const line = await origin.logLine((it) => it['access'] !== undefined);
    expect(line).toMatchObject({ access: 'local', host: '127.0.0.1', level: 'info' });
    expect((await origin.health()).auth_required).toBe(false);
    expect((await fetch(`${origin.url}/models`)).status).toBe(200);
  });

  it.each([['X-Forwarded-For'], ['Forwarded'], ['CF-Connecting-IP'], ['X-Real-IP'], ['Via']])(
    'answers what came through a proxy with 401 (%s)',
    async (name) => {
      const answer = await bring(origin, { [name]: '127.0.0.1' });
      expect(answer.status).toBe(401);
    },
  );
});

describe('a service that other machines can reach', () => {
  const tempDir = useTempDirs();

  /** Of a start that is expected to end by itself. */
  async function startAndEnd(settings: Headers): Promise<{ code: number | null; errors: string }> {
    const { PATH = '' } = process.env;
    const env = { PATH, PORT: '0', DATA_DIR: tempDir(), ...settings };
    const child = spawn(process.execPath, ['origin/main.ts'], { cwd: ROOT, env });
    child.stdout.resume();
    const [errors] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, errors };
  }

  it('does not start without a key, and says what to do', async () => {
    const { code, errors } = await startAndEnd({ HOST: '0.0.0.0' });
    expect(code).toBe(1);
    expect(errors).toMatch(/^mana-stt: HOST=0\.0\.0\.0 .*API_KEYS.*REQUIRE_AUTH=false.*\n$/);
  });

  it('does not start with keys that cannot be read, and does not show them', async () => {
    const { code, errors } = await startAndEnd({ API_KEYS: 'sk-secret', PORT: 'x' });
    expect(code).toBe(1);
    expect(errors).toMatch(/API_KEYS=\(hidden\)/);
    expect(errors).toMatch(/PORT="x"/);
    expect(errors).not.toContain('sk-secret');
  });

  it('starts with REQUIRE_AUTH=false, with a warning, and lets everyone in', async () => {
    const origin = await startOrigin({ HOST: '0.0.0.0', REQUIRE_AUTH: 'false' });
    try {
      const line = await origin.logLine((it) => it['access'] !== undefined);
      expect(line).toMatchObject({ access: 'open', level: 'warn' });
      const headers = { 'X-Forwarded-For': '192.0.2.7' };
      expect((await fetch(`${origin.url}/models`, { headers })).status).toBe(200);
    } finally {
      await origin.stop();
    }
  });
});
