/** Better Auth as mana-auth runs it: e-mail and password, tokens signed with EdDSA, a tier for each person. */
import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { jwt } from 'better-auth/plugins';

/** Where it is reached, what it seals its private keys with, and where it keeps everything. */
export interface BetterAuthPlace {
  readonly url: string;
  readonly secret: string;
  readonly database: NonNullable<BetterAuthOptions['database']>;
}

/** Makes it. Whoever signs up may choose a tier, which the real one forbids. */
export function createBetterAuth({ url, secret, database }: BetterAuthPlace) {
  return betterAuth({
    baseURL: url,
    secret,
    database,
    emailAndPassword: { enabled: true },
    user: {
      additionalFields: { tier: { type: 'string', required: false, defaultValue: 'pro' } },
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    plugins: [
      jwt({
        jwks: { keyPairConfig: { alg: 'EdDSA', crv: 'Ed25519' } },
        jwt: {
          audience: 'mana',
          issuer: url,
          definePayload: ({ user, session }) => ({
            email: user.email,
            role: 'user',
            sid: session.id,
            tier: user['tier'],
          }),
        },
      }),
    ],
  });
}
