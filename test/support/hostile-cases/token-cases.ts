/** Tokens that are good but for one thing; those of the conformance suite, over the whole chain, and more. */
import { CompactEncrypt } from 'jose';
import type { SentHeaders } from '#test/support/auth-cases/auth-case.ts';
import { person, signed, signedByStranger } from '#test/support/auth-cases/forge-token.ts';
import { TOKENS } from '#test/support/auth-cases/token-cases.ts';
import type { HostileCase, HostileWorld, Sent } from '#test/support/hostile-cases/hostile-case.ts';
import { TEST_KID } from '#test/support/mana-auth.ts';

type Forge = (world: HostileWorld) => SentHeaders | Promise<SentHeaders>;

const withToken =
  (forge: Forge) =>
  async (world: HostileWorld): Promise<Sent> => {
    const headers = Object.entries(await forge(world)).map(([name, value]) => `${name}: ${value}`);
    return { method: 'GET', path: '/models', key: null, headers };
  };

function refused(name: string, forge: Forge, status: 401 | 403 = 401): HostileCase {
  const code = status === 401 ? 'unauthenticated' : 'forbidden';
  const given = { name: `token: ${name}`, request: withToken(forge), status: [status], code };
  // Node takes 16 kB of headers, workerd more.
  return name.includes('20,000') ? { ...given, origin: [431], refusedBy: 'server' } : given;
}

async function nested(world: HostileWorld): Promise<SentHeaders> {
  const inner = await world.auth.manaAuth.sign(person(world.auth));
  const outer = await new CompactEncrypt(Buffer.from(inner))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(Buffer.alloc(32, 7));
  return { authorization: `Bearer ${outer}` };
}

/** The signature of a good token under another head. */
const withHead = (changes: object) => async (world: HostileWorld) => {
  const [, body, signature] = (await world.auth.manaAuth.sign(person(world.auth))).split('.');
  const head = JSON.stringify({ alg: 'EdDSA', kid: TEST_KID, ...changes });
  return {
    authorization: `Bearer ${Buffer.from(head).toString('base64url')}.${body}.${signature}`,
  };
};

/** Nothing listens there; whoever asked it would get no answer and say 503. */
const EVIL = 'http://127.0.0.1:9/jwks';

const MORE: readonly HostileCase[] = [
  refused('a signed one inside an encrypted one', nested),
  refused('jku of a stranger', ({ auth }) => signedByStranger(auth, { jku: EVIL })),
  refused('x5u of a stranger', ({ auth }) => signedByStranger(auth, { x5u: EVIL })),
  refused('x5c of a stranger', ({ auth }) => signedByStranger(auth, { x5c: ['MIIB'] })),
  refused('crit that nobody knows', withHead({ crit: ['exp2'], exp2: 1 })),
  refused('b64 turned off', withHead({ b64: false, crit: ['b64'] })),
  refused('kid as an address', ({ auth }) => signed(() => ({}), { kid: EVIL })(auth)),
  refused('of 8,000 letters', () => ({ authorization: `Bearer ${'A'.repeat(8000)}.e30.e30` })),
  refused('a million levels of JSON', () => {
    const head = Buffer.from(`{"alg":"EdDSA","kid":${'['.repeat(2000)}`).toString('base64url');
    return { authorization: `Bearer ${head}.e30.e30` };
  }),
];

const KNOWN = TOKENS.filter(
  (given) => given.status >= 400 && given.mode === undefined && given.warmUp === undefined,
).map((given) =>
  refused(given.name, ({ auth }) => given.headers(auth), given.status === 403 ? 403 : 401),
);

export const TOKEN_CASES: readonly HostileCase[] = [...KNOWN, ...MORE];
