/** Tokens that are good but for one thing. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { bearer, type SentHeaders } from '#test/support/auth-cases/auth-case.ts';
import type { AuthWorld } from '#test/support/auth-world.ts';
import { TEST_KID } from '#test/support/mana-auth.ts';

/** Undefined takes a claim away. */
type Changes = { readonly [Claim in keyof JWTPayload]?: unknown };

/** The claims of somebody who may. */
export const person = (world: AuthWorld, changes: Changes = {}): JWTPayload => ({
  sub: 'p1',
  iss: world.manaAuth.url,
  aud: 'mana',
  iat: world.nowSeconds(),
  exp: world.nowSeconds() + 900,
  ...(changes as JWTPayload),
});

/** A token that is good but for the changes. */
export const signed =
  (changes: (world: AuthWorld) => Changes, header: Record<string, unknown> = {}) =>
  async (world: AuthWorld) =>
    bearer(await world.manaAuth.sign(person(world, changes(world)), header));

/** HMAC with a public thing as the secret: what a verifier falls for that lets the token choose. */
export const hmacSigned = (secret: (world: AuthWorld) => string) => (world: AuthWorld) => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', kid: TEST_KID })}.${part(person(world))}`;
  return bearer(`${body}.${createHmac('sha256', secret(world)).update(body).digest('base64url')}`);
};

/** A good form, another's signature. */
export async function signedByStranger(world: AuthWorld, header: Record<string, unknown> = {}) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const protectedHeader = { alg: 'EdDSA', kid: TEST_KID, ...header };
  return bearer(
    await new SignJWT(person(world)).setProtectedHeader(protectedHeader).sign(privateKey),
  );
}

/** A good signature, of other claims. */
export async function tampered(world: AuthWorld): Promise<SentHeaders> {
  const [head, , signature] = (await world.manaAuth.sign(person(world))).split('.');
  const body = Buffer.from(JSON.stringify(person(world, { sub: 'admin' }))).toString('base64url');
  return bearer(`${head}.${body}.${signature}`);
}
