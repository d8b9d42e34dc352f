/** Credentials that are none. */
import type { HostileCase, Sent } from '#test/support/hostile-cases/hostile-case.ts';

const models = (...headers: readonly string[]): Sent => ({
  method: 'GET',
  path: '/models',
  key: null,
  headers,
});

/** A key that is long enough to be found in a log. */
const WRONG = 'sk-wrong-0123456789abcdef';
const JUNK_LIVE = 'sk_live_junk-0123456789abcdef';
const IN_QUERY = 'sk-query-0123456789abcdef';

const refused = {
  status: [401],
  code: 'unauthenticated',
} as const;

export const KEY_CASES: readonly HostileCase[] = [
  { name: 'no key', request: () => models(), ...refused },
  { name: 'an empty key', request: () => models('X-API-Key:'), ...refused },
  { name: 'a key of blanks', request: () => models('X-API-Key:     '), ...refused },
  {
    name: 'a wrong key',
    request: () => models(`X-API-Key: ${WRONG}`),
    secrets: [WRONG],
    ...refused,
  },
  {
    name: 'a key of 1 MB',
    request: () => models(`X-API-Key: ${'k'.repeat(1024 * 1024)}`),
    status: [431],
    refusedBy: 'server',
  },
  { name: 'a key of 12 kB', request: () => models(`X-API-Key: ${'k'.repeat(12_000)}`), ...refused },
  {
    name: 'a key beyond ASCII',
    request: () => models('X-API-Key: schl\xfcssel\xff'),
    ...refused,
  },
  {
    name: 'a good key and a blank in it',
    request: ({ key }) => models(`X-API-Key: ${key} ${key}`),
    ...refused,
  },
  {
    name: 'a good key twice',
    request: ({ key }) => models(`X-API-Key: ${key}`, `X-API-Key: ${key}`),
    ...refused,
  },
  {
    name: 'two keys, one of them good',
    request: ({ key }) => models(`X-API-Key: ${WRONG}`, `X-API-Key: ${key}`),
    ...refused,
  },
  {
    name: 'a good key and another as Bearer',
    request: ({ key }) => models(`X-API-Key: ${key}`, `Authorization: Bearer ${WRONG}`),
    secrets: [WRONG],
    ...refused,
  },
  {
    name: 'a good key as Basic',
    request: ({ key }) => models(`Authorization: Basic ${key}`),
    ...refused,
  },
  {
    name: 'a good key as the password of Basic',
    request: ({ key }) =>
      models(`Authorization: Basic ${Buffer.from(`x:${key}`).toString('base64')}`),
    ...refused,
  },
  { name: 'Bearer without a key', request: () => models('Authorization: Bearer '), ...refused },
  {
    name: 'a good key in the query',
    request: ({ key }) => ({ ...models(), path: `/models?api_key=${key}&X-API-Key=${key}` }),
    ...refused,
  },
  {
    name: 'a strange key in the query of a path that is not there',
    request: () => ({ ...models(), path: `/nothing?api_key=${IN_QUERY}` }),
    status: [404],
    code: 'unknown_route',
    secrets: [IN_QUERY],
  },
  {
    name: 'a good key in a cookie',
    request: ({ key }) => models(`Cookie: X-API-Key=${key}`),
    ...refused,
  },
  {
    name: 'a good key but for its last letter',
    request: ({ key }) => models(`X-API-Key: ${key.slice(0, -1)}`),
    ...refused,
  },
  {
    name: 'a good key in capitals',
    request: ({ key }) => models(`X-API-Key: ${key.toUpperCase()}`),
    ...refused,
  },
  {
    name: 'an external key that nobody gave out',
    request: () => models(`X-API-Key: ${JUNK_LIVE}`),
    secrets: [JUNK_LIVE],
    ...refused,
  },
  {
    name: 'an external key with JSON in it',
    request: () => models('X-API-Key: sk_live_","scope":"admin","x":"'),
    ...refused,
  },
  {
    name: 'only the prefix of external keys',
    request: () => models('X-API-Key: sk_live_'),
    ...refused,
  },
  {
    name: 'the name of an app as its key',
    request: () => models('X-API-Key: hostile'),
    ...refused,
  },
  { name: 'a wildcard', request: () => models('X-API-Key: *'), ...refused },
  { name: '__proto__', request: () => models('X-API-Key: __proto__'), ...refused },
];
