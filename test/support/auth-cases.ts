/**
 * The conformance cases of authentication: requests and what must come of them. The same table is run against every app
 * that authenticates; `GET /models` is the route, because it needs a credential and no body.
 */

import type { AuthCase } from '#test/support/auth-cases/auth-case.ts';
import { CREDENTIALS, EXTERNAL_KEYS } from '#test/support/auth-cases/credential-cases.ts';
import { ASSERTIONS, NOTHING_CONFIGURED, OPEN } from '#test/support/auth-cases/origin-cases.ts';
import { OUTAGES } from '#test/support/auth-cases/outage-cases.ts';
import { TOKENS } from '#test/support/auth-cases/token-cases.ts';
import type { AuthWorld } from '#test/support/auth-world.ts';

/** Cases with the same settings. */
export interface AuthGroup {
  readonly name: string;
  /** Only an app that listens for the edge, and on an address, can pass these. */
  readonly isOriginOnly: boolean;
  readonly env: (world: AuthWorld) => Readonly<Record<string, string>>;
  readonly cases: readonly AuthCase[];
}

/** Everything, by the settings it needs. */
export const AUTH_GROUPS: readonly AuthGroup[] = [
  group('credentials', CREDENTIALS),
  group('external keys', EXTERNAL_KEYS),
  group('tokens', TOKENS),
  group('mana-auth fails', OUTAGES),
  { ...group('assertions', ASSERTIONS), isOriginOnly: true },
  {
    ...group('REQUIRE_AUTH=false', OPEN),
    env: (world) => ({ ...world.env, REQUIRE_AUTH: 'false' }),
  },
  {
    ...group('nothing configured, on loopback', NOTHING_CONFIGURED),
    isOriginOnly: true,
    env: () => ({}),
  },
];

function group(name: string, cases: readonly AuthCase[]): AuthGroup {
  return { name, cases, isOriginOnly: false, env: (world) => world.env };
}
