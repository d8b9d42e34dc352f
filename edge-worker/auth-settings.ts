/** Authentication from the Worker's variables: the same names and rules as at the origin. */
import { type Access, decideAccess } from '#shared/auth/access.ts';
import { type AuthSettings, AuthSettingsError, loadAuthSettings } from '#shared/auth/settings.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface EdgeAuth {
  readonly settings: AuthSettings;
  readonly access: Access;
}

/**
 * Reads the variables of authentication. Everyone reaches the edge, so it needs credentials or `REQUIRE_AUTH=false`;
 * and it is the one that signs, so it never trusts a signed assertion itself.
 * @returns all faults at once, each a sentence that names its variable and never repeats a secret
 */
export function readEdgeAuth(
  env: Readonly<Record<string, unknown>>,
): Result<EdgeAuth, readonly string[]> {
  const texts = Object.entries(env).filter((entry): entry is [string, string] => {
    return typeof entry[1] === 'string' && entry[0] !== 'EDGE_ASSERTION_PUBLIC_KEYS';
  });
  try {
    const settings = loadAuthSettings(Object.fromEntries(texts));
    const decision = decideAccess(settings, EVERYWHERE);
    if (decision.ok) return ok({ settings, access: decision.value.access });
    return fail(['API_KEYS: no key is configured; set one, or REQUIRE_AUTH=false']);
  } catch (error) {
    if (!(error instanceof AuthSettingsError)) throw error;
    const [, ...faults] = error.message.split('\n');
    return fail(faults.map((line) => line.trim()));
  }
}

/** The address to listen on, as `decideAccess` wants it. */
const EVERYWHERE = '0.0.0.0';
