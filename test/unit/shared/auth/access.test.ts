import { describe, expect, it } from 'vitest';
import { decideAccess, findForeignSign, isLoopback } from '#shared/auth/access.ts';
import { loadAuthSettings } from '#shared/auth/settings.ts';

const decide = (env: Record<string, string>, host: string) => {
  const decision = decideAccess(loadAuthSettings(env), host);
  return decision.ok ? decision.value.access : 'refused';
};

const KEY = { API_KEYS: 'sk-app1:app1' };
const OPEN = { REQUIRE_AUTH: 'false' };
const CLOSED = { REQUIRE_AUTH: 'true' };

describe('decideAccess', () => {
  it.each([
    [{}, '127.0.0.1', 'local'],
    [{}, '::1', 'local'],
    [{}, '0.0.0.0', 'refused'],
    [{}, '::', 'refused'],
    [{}, '192.168.1.5', 'refused'],
    [{}, 'stt.example.org', 'refused'],
    [CLOSED, '127.0.0.1', 'required'],
    [CLOSED, '0.0.0.0', 'refused'],
    [OPEN, '0.0.0.0', 'open'],
    [OPEN, '127.0.0.1', 'open'],
    [{ ...OPEN, ...KEY }, '0.0.0.0', 'open'],
    [KEY, '0.0.0.0', 'required'],
    [KEY, '127.0.0.1', 'required'],
    [{ INTERNAL_API_KEY: 'sk-internal' }, '0.0.0.0', 'required'],
    [{ MANA_AUTH_URL: 'https://auth.test' }, '0.0.0.0', 'required'],
    [{ MANA_CORE_AUTH_URL: 'https://auth.test' }, '0.0.0.0', 'required'],
  ])('with %j on %s: %s', (env, host, access) => {
    expect(decide(env, host)).toBe(access);
  });

  it('says what to set when it refuses', () => {
    const decision = decideAccess(loadAuthSettings({}), '0.0.0.0');
    expect(decision.ok ? '' : decision.error).toMatch(
      /HOST=0\.0\.0\.0.*API_KEYS.*REQUIRE_AUTH=false/,
    );
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'knows %s as this machine',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each([
    '',
    '0.0.0.0',
    '::',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    '1127.0.0.1',
    '10.0.0.1',
  ])('does not take %j for this machine', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('findForeignSign', () => {
  const sign = (url: string, headers: Record<string, string> = {}) =>
    findForeignSign({ method: 'GET', url, headers: new Headers(headers) });

  it('finds nothing in a request of this machine', () => {
    expect(sign('http://127.0.0.1:3020/models')).toBeNull();
    expect(sign('http://[::1]:3020/models')).toBeNull();
  });

  it('finds a name that somebody pointed at this machine', () => {
    expect(sign('http://rebound.evil.test:3020/models')).toBe('host');
  });

  it.each(['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'CF-Connecting-IP', 'Via'])(
    'finds a proxy by %s',
    (name) => {
      expect(sign('http://127.0.0.1/', { [name]: 'x' })).toBe(name.toLowerCase());
    },
  );
});
