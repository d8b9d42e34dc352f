import { type AuthCase, bearer, key } from '#test/support/auth-cases/auth-case.ts';
import { KEYS } from '#test/support/auth-world.ts';

/** Headers, and keys of the settings. */
export const CREDENTIALS: readonly AuthCase[] = [
  { name: 'no credential', headers: () => ({}), status: 401, reason: 'no_credential' },
  { name: 'key as X-API-Key', headers: () => key(KEYS.app1), status: 200, principal: 'key:app1' },
  { name: 'key as bearer', headers: () => bearer(KEYS.app2), status: 200, principal: 'key:app2' },
  {
    name: 'scheme in lower case, two spaces',
    headers: () => ({ authorization: `bearer  ${KEYS.app1}` }),
    status: 200,
    principal: 'key:app1',
  },
  {
    name: 'internal key',
    headers: () => key(KEYS.internal),
    status: 200,
    principal: 'internal',
  },
  {
    name: 'the same key in both headers',
    headers: () => ({ ...key(KEYS.app1), ...bearer(KEYS.app1) }),
    status: 200,
    principal: 'key:app1',
  },
  {
    name: 'two good but different keys',
    headers: () => ({ ...key(KEYS.app1), ...bearer(KEYS.app2) }),
    status: 401,
    reason: 'malformed_credential/two_credentials',
  },
  {
    name: 'key beside the Basic of a proxy',
    headers: () => ({ ...key(KEYS.app1), authorization: 'Basic dTpw' }),
    status: 200,
    principal: 'key:app1',
  },
  {
    name: 'Basic alone',
    headers: () => ({ authorization: 'Basic dTpw' }),
    status: 401,
    reason: 'malformed_credential/unsupported_scheme',
  },
  {
    name: 'key without a scheme',
    headers: () => ({ authorization: KEYS.app1 }),
    status: 401,
    reason: 'malformed_credential/unsupported_scheme',
  },
  {
    name: 'Bearer without a key',
    headers: () => ({ authorization: 'Bearer' }),
    status: 401,
    reason: 'malformed_credential/empty_bearer',
  },
  {
    name: 'Bearer with a space only',
    headers: () => ({ authorization: 'Bearer ' }),
    status: 401,
    reason: 'malformed_credential/empty_bearer',
  },
  { name: 'empty key', headers: () => key(''), status: 401, reason: 'no_credential' },
  { name: 'key of spaces', headers: () => key('   '), status: 401, reason: 'no_credential' },
  { name: 'unknown key', headers: () => key('sk-nobody'), status: 401, reason: 'unknown_key' },
  {
    name: 'start of a key',
    headers: () => key(KEYS.app1.slice(0, -1)),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'key with more behind it',
    headers: () => key(`${KEYS.app1}x`),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'key in upper case',
    headers: () => key(KEYS.app1.toUpperCase()),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'key and name',
    headers: () => key(`${KEYS.app1}:app1`),
    status: 401,
    reason: 'unknown_key',
  },
  { name: 'name of an app', headers: () => key('app1'), status: 401, reason: 'unknown_key' },
  {
    name: 'all of API_KEYS',
    headers: (world) => key(world.env['API_KEYS'] ?? ''),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'two keys with a comma',
    headers: () => key(`${KEYS.app1}, ${KEYS.app1}`),
    status: 401,
    reason: 'malformed_credential/strange_characters',
  },
  {
    name: 'key in quotes',
    headers: () => key(`"${KEYS.app1}"`),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'latin-1 key',
    headers: () => key('sk-app\u00e9'),
    status: 401,
    reason: 'malformed_credential/strange_characters',
  },
  {
    name: 'UTF-8 bytes in a key',
    headers: () => key('sk-\u00f0\u009f\u0094\u0091'),
    status: 401,
    reason: 'malformed_credential/strange_characters',
  },
  {
    name: 'CRLF, encoded',
    headers: () => key(`${KEYS.app1}%0d%0aX-Admin:1`),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'tab inside a key',
    headers: () => key(`sk-\tapp1`),
    status: 401,
    reason: 'malformed_credential/strange_characters',
  },
  {
    name: 'key of 9,000 characters',
    headers: () => key('k'.repeat(9000)),
    status: 401,
    reason: 'malformed_credential/too_long',
  },
  {
    name: 'names of Object.prototype',
    headers: () => key('__proto__'),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'who one says one is',
    headers: () => ({ 'x-principal': 'internal', 'x-user-id': '1', 'cf-access-user': 'a@b' }),
    status: 401,
    reason: 'no_credential',
  },
];

/** Keys that mana-auth knows. */
export const EXTERNAL_KEYS: readonly AuthCase[] = [
  {
    name: 'key of mana-auth',
    headers: () => key(KEYS.live),
    status: 200,
    principal: /^live:[0-9a-f]{16}$/,
  },
  { name: 'again, as bearer', headers: () => bearer(KEYS.live), status: 200, principal: /^live:/ },
  { name: 'yes without a list', headers: () => key(KEYS.livePlain), status: 200 },
  {
    name: 'key without the scope',
    headers: () => key(KEYS.liveWithoutScope),
    status: 403,
    reason: 'missing_scope',
  },
  {
    name: 'key that is refused',
    headers: () => key(KEYS.liveRefused),
    status: 401,
    reason: 'key_refused',
  },
  { name: 'the prefix alone', headers: () => key('sk_live_'), status: 401, reason: 'key_refused' },
  {
    name: 'long external key',
    headers: () => key(`sk_live_${'k'.repeat(2000)}`),
    status: 401,
    reason: 'key_refused',
  },
];
