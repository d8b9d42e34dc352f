import { UnsecuredJWT } from 'jose';
import { type AuthCase, bearer, key } from '#test/support/auth-cases/auth-case.ts';
import {
  hmacSigned,
  person,
  signed,
  signedByStranger,
  tampered,
} from '#test/support/auth-cases/forge-token.ts';

/** Tokens of people. */
export const TOKENS: readonly AuthCase[] = [
  {
    name: 'token of Better Auth',
    headers: async (world) => bearer((await world.manaAuth.signUp()).token),
    status: 200,
    principal: /^user:\w+$/,
  },
  {
    name: 'token as X-API-Key',
    headers: async (world) => key((await world.manaAuth.signUp()).token),
    status: 200,
    principal: /^user:/,
  },
  { name: 'token like theirs', headers: signed(() => ({})), status: 200, principal: 'user:p1' },
  {
    name: 'issuer with a slash',
    headers: signed((world) => ({ iss: `${world.manaAuth.url}/` })),
    status: 200,
  },
  {
    name: 'expired 20 s ago: within the tolerance',
    headers: signed((world) => ({ exp: world.nowSeconds() - 20 })),
    status: 200,
  },
  {
    name: 'expired 40 s ago',
    headers: signed((world) => ({ exp: world.nowSeconds() - 40 })),
    status: 401,
    reason: 'token_refused/expired',
  },
  {
    name: 'without exp',
    headers: signed(() => ({ exp: undefined })),
    status: 401,
    reason: 'token_refused/claims',
  },
  {
    name: 'exp as text',
    headers: signed(() => ({ exp: '9999999999' })),
    status: 401,
    reason: 'token_refused/claims',
  },
  {
    name: 'not valid for an hour yet',
    headers: signed((world) => ({ nbf: world.nowSeconds() + 3600 })),
    status: 401,
    reason: 'token_refused/not_yet_valid',
  },
  {
    name: 'another audience',
    headers: signed(() => ({ aud: 'other' })),
    status: 401,
    reason: 'token_refused/audience',
  },
  {
    name: 'no audience',
    headers: signed(() => ({ aud: undefined })),
    status: 401,
    reason: 'token_refused/audience',
  },
  {
    name: 'another issuer',
    headers: signed(() => ({ iss: 'https://evil.test' })),
    status: 401,
    reason: 'token_refused/issuer',
  },
  {
    name: 'an issuer that starts like ours',
    headers: signed((world) => ({ iss: `${world.manaAuth.url}.evil.test` })),
    status: 401,
    reason: 'token_refused/issuer',
  },
  {
    name: 'no issuer',
    headers: signed(() => ({ iss: undefined })),
    status: 401,
    reason: 'token_refused/issuer',
  },
  {
    name: 'no subject',
    headers: signed(() => ({ sub: undefined })),
    status: 401,
    reason: 'token_refused/claims',
  },
  {
    name: 'empty subject',
    headers: signed(() => ({ sub: '' })),
    status: 401,
    reason: 'token_refused/claims',
  },
  {
    name: 'CRLF in the subject',
    headers: signed(() => ({ sub: 'a\r\nb' })),
    status: 401,
    reason: 'token_refused/claims',
  },
  {
    name: 'scopes without stt',
    headers: signed(() => ({ scopes: ['tts'] })),
    status: 403,
    reason: 'missing_scope',
  },
  {
    name: 'scope without stt',
    headers: signed(() => ({ scope: 'openid sttx' })),
    status: 403,
    reason: 'missing_scope',
  },
  {
    name: 'alg=none',
    headers: (world) => bearer(new UnsecuredJWT(person(world)).encode()),
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'alg=None with the signature of a good token',
    headers: async (world) => {
      const [, body, signature] = (await world.manaAuth.sign(person(world))).split('.');
      const head = Buffer.from('{"alg":"None","kid":"test-key"}').toString('base64url');
      return bearer(`${head}.${body}.${signature}`);
    },
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'HS256 with the public key as the secret',
    headers: hmacSigned((world) => JSON.stringify(world.manaAuth.publicJwk)),
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'HS256 with the bytes of the public key',
    headers: hmacSigned((world) => String(world.manaAuth.publicJwk['x'])),
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'HS256 with an empty secret',
    headers: hmacSigned(() => ''),
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'signed by a stranger',
    headers: (world) => signedByStranger(world),
    status: 401,
    reason: 'token_refused/signature',
  },
  {
    name: 'stranger that brings its own key',
    headers: (world) =>
      signedByStranger(world, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } }),
    status: 401,
    reason: 'token_refused/signature',
  },
  {
    name: 'stranger that names its own JWKS',
    headers: (world) => signedByStranger(world, { jku: 'https://evil.test/jwks' }),
    status: 401,
    reason: 'token_refused/signature',
  },
  { name: 'changed claims', headers: tampered, status: 401, reason: 'token_refused/signature' },
  {
    name: 'unknown kid',
    headers: signed(() => ({}), { kid: 'nobody' }),
    status: 401,
    reason: 'token_refused/unknown_key_id',
  },
  {
    name: 'no kid',
    headers: signed(() => ({}), { kid: undefined }),
    status: 401,
    reason: 'token_refused/key_id',
  },
  {
    name: 'kid as a path',
    headers: signed(() => ({}), { kid: '../../etc/passwd' }),
    status: 401,
    reason: 'token_refused/key_id',
  },
  {
    name: 'kid as SQL',
    headers: signed(() => ({}), { kid: "' OR 1=1 --" }),
    status: 401,
    reason: 'token_refused/key_id',
  },
  {
    name: 'kid as a number',
    headers: signed(() => ({}), { kid: 1 }),
    status: 401,
    reason: 'token_refused/key_id',
  },
  {
    name: 'kid of 4,000 characters',
    headers: signed(() => ({}), { kid: 'k'.repeat(4000) }),
    status: 401,
    reason: 'token_refused/key_id',
  },
  {
    name: 'kid __proto__',
    headers: signed(() => ({}), { kid: '__proto__' }),
    status: 401,
    reason: 'token_refused/unknown_key_id',
  },
  {
    name: 'unencoded body',
    headers: () => bearer('e30.e30.'),
    status: 401,
    reason: 'token_refused/algorithm',
  },
  {
    name: 'two dots only',
    headers: () => bearer('..'),
    status: 401,
    reason: 'token_refused/malformed',
  },
  {
    name: 'five parts (an encrypted token)',
    headers: () => bearer('a.b.c.d.e'),
    status: 401,
    reason: 'unknown_key',
  },
  {
    name: 'header that is no JSON',
    headers: () => bearer('bm90IGpzb24.e30.AAAA'),
    status: 401,
    reason: 'token_refused/malformed',
  },
  {
    name: 'token of 20,000 characters',
    headers: signed(() => ({ pad: 'p'.repeat(15_000) })),
    status: 401,
    reason: 'malformed_credential/too_long',
  },
];
