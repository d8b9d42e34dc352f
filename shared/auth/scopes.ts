import type { Principal } from '#shared/auth/principal.ts';

/** What a credential must allow for speech to text, as mana-auth names it. */
export const STT_SCOPE = 'stt';

/** Scopes have no hierarchy and no wildcard: what is wanted must be named. */
export function hasScope(principal: Principal, wanted: string): boolean {
  return principal.scopes.includes(wanted);
}
