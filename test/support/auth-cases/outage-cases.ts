import { type AuthCase, key } from '#test/support/auth-cases/auth-case.ts';
import { signed, signedByStranger } from '#test/support/auth-cases/forge-token.ts';
import { KEYS } from '#test/support/auth-world.ts';

/** Each with an app that remembers nothing but its warm-up. */
export const OUTAGES: readonly AuthCase[] = [
  ...(
    ['error500', 'garbage', 'html404', 'redirect', 'endless', 'hangs', 'resets'] as const
  ).flatMap((mode): AuthCase[] => [
    { name: `new key, mana-auth ${mode}`, headers: () => key(KEYS.live), status: 503, mode },
    { name: `first token, mana-auth ${mode}`, headers: signed(() => ({})), status: 503, mode },
  ]),
  {
    name: 'an answer that is neither yes nor no',
    headers: () => key(KEYS.liveStrange),
    status: 503,
    reason: 'auth_unavailable/bad_answer',
    mode: 'up',
  },
  {
    name: 'known key, mana-auth down',
    warmUp: () => key(KEYS.live),
    headers: () => key(KEYS.live),
    status: 200,
    mode: 'resets',
  },
  {
    name: 'new token with known keys, mana-auth down',
    warmUp: signed(() => ({})),
    headers: signed(() => ({ sub: 'p2' })),
    status: 200,
    principal: 'user:p2',
    mode: 'resets',
  },
  { name: 'local key, mana-auth down', headers: () => key(KEYS.app1), status: 200, mode: 'resets' },
  {
    name: 'unknown key, mana-auth down',
    headers: () => key('sk-nobody'),
    status: 401,
    reason: 'unknown_key',
    mode: 'resets',
  },
  {
    name: 'no credential, mana-auth down',
    headers: () => ({}),
    status: 401,
    reason: 'no_credential',
    mode: 'resets',
  },
  {
    name: 'forged token, mana-auth down',
    warmUp: signed(() => ({})),
    headers: (world) => signedByStranger(world),
    status: 401,
    reason: 'token_refused/signature',
    mode: 'resets',
  },
];
