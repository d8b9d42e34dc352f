/** The key pair of the assertions, as it stands in the settings of the two sides. */
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { fail, ok, type Result } from '#shared/result.ts';

/** Both as JSON on one line, ready for the settings. */
export interface AssertionKeyPair {
  /** For `EDGE_ASSERTION_PRIVATE_KEY` at the edge. */
  readonly privateKey: string;
  /** For `EDGE_ASSERTION_PUBLIC_KEYS` at every origin. */
  readonly publicKey: string;
}

/** Draws a new pair. */
export async function generateAssertionKeys(): Promise<AssertionKeyPair> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return {
    privateKey: JSON.stringify({ kty, crv, x, d }),
    publicKey: JSON.stringify({ kty, crv, x }),
  };
}

/** @returns the key, or a sentence that does not repeat it */
export function parsePrivateKey(text: string): Result<JWK, string> {
  const parsed = PrivateKey.safeParse(parseJson(text));
  return parsed.success
    ? ok(parsed.data)
    : fail('write a private Ed25519 key as a JWK: {"kty":"OKP","crv":"Ed25519","x":"…","d":"…"}');
}

/**
 * Reads one public key, an array of them or a JWK Set: several while they are changed.
 * @returns 1 to 10 keys, or a sentence; a private key is refused, because it has no business at the origin
 */
export function parsePublicKeys(text: string): Result<readonly JWK[], string> {
  const json = parseJson(text);
  const list = z
    .union([
      z.strictObject({ keys: z.array(z.unknown()) }).transform(({ keys }) => keys),
      z.array(z.unknown()),
      z.unknown().transform((key) => [key]),
    ])
    .parse(json);
  if (list.some((key) => typeof key === 'object' && key !== null && 'd' in key)) {
    return fail('this is a private key ("d"): keep it at the edge and write its public half here');
  }
  const keys = z.array(PublicKey).min(1).max(10).safeParse(list);
  return keys.success
    ? ok(keys.data)
    : fail('write a public Ed25519 key as a JWK: {"kty":"OKP","crv":"Ed25519","x":"…"}');
}

/** 32 bytes in base64url. */
const keyBytes = z.string().regex(/^[\w-]{43}$/);

const PublicKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: keyBytes });

const PrivateKey = PublicKey.extend({ d: keyBytes });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
