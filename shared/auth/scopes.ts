import type { Principal } from '#shared/auth/principal.ts';

/** What a credential must allow for speech to text, as mana-auth names it. */
export const STT_SCOPE = 'stt';

/** Scopes have no hierarchy and no wildcard: what is wanted must be named. */
export function hasScope(principal: Principal, wanted: string): boolean {
  return principal.scopes.includes(wanted);
}

/** Keeps a list from outside small enough to travel in a header: 32 scopes of 64 characters, ours first. */
export function boundScopes(scopes: readonly string[]): readonly string[] {
  const usable = scopes.filter((scope) => SCOPE.test(scope));
  const ours = usable.filter((scope) => scope === STT_SCOPE);
  const others = usable.filter((scope) => scope !== STT_SCOPE);
  return [...new Set([...ours, ...others])].slice(0, MAX_SCOPES);
}

export const MAX_SCOPES = 32;

/** RFC 6749 §3.3 without the two characters that would have to be escaped. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;
