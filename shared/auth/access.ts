/** Who gets in without a credential: decided once, at start, from the settings and the address to listen on. */
import type { AssertedRequest } from '#shared/auth/assertion-claims.ts';
import type { AuthSettings } from '#shared/auth/settings.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/**
 * `required`: nobody. `open`: everybody, because `REQUIRE_AUTH=false` says so. `local`: programs of this machine, as
 * long as no credential is configured.
 */
export type Access = 'required' | 'open' | 'local';

export interface AccessDecision {
  readonly access: Access;
  /** For the log at start. */
  readonly explanation: string;
}

/** Whether anything is configured that a caller could be recognised by. */
export function hasCredentials(settings: AuthSettings): boolean {
  return (
    settings.internalApiKey !== null ||
    settings.apiKeys.length > 0 ||
    settings.manaCoreAuthUrl !== null ||
    settings.manaAuthUrl !== null ||
    settings.assertionPublicKeys.length > 0
  );
}

/**
 * The rule: a service that other machines can reach has credentials, or says `REQUIRE_AUTH=false`.
 * `host` is the address to listen on.
 * @returns what holds, or a sentence on why the service must not start
 */
export function decideAccess(settings: AuthSettings, host: string): Result<AccessDecision, string> {
  if (settings.requireAuth === false) {
    return ok({
      access: 'open',
      explanation: 'REQUIRE_AUTH=false: everyone who reaches this service may use it',
    });
  }
  if (hasCredentials(settings)) {
    return ok({ access: 'required', explanation: 'callers need a key or a token' });
  }
  if (!isLoopback(host)) {
    return fail(
      `HOST=${host} can be reached from other machines, but no key is configured. Set API_KEYS="KEY:NAME", or REQUIRE_AUTH=false to let everyone in, or HOST=127.0.0.1.`,
    );
  }
  return settings.requireAuth === true
    ? ok({ access: 'required', explanation: 'REQUIRE_AUTH=true, but no key is configured' })
    : ok({
        access: 'local',
        explanation: 'no key is configured: programs of this machine need none, others get nothing',
      });
}

/** Whether an address to listen on, or the name in a URL, is this machine's own. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^\[|\]$/g, '');
  return plain === 'localhost' || plain === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(plain);
}

/**
 * What shows that a request to a loopback address did not start on this machine: a proxy or tunnel in front of it, or a
 * name that somebody's DNS points here (rebinding, from a web page).
 * @returns the header, or null when nothing speaks against it
 */
export function findForeignSign(request: AssertedRequest): string | null {
  const header = findForwardingHeader(request.headers);
  if (header !== null) {
    return header;
  }
  return isLoopback(new URL(request.url).hostname) ? null : 'host';
}

/** The header by which a proxy or tunnel shows, or null. */
export function findForwardingHeader(headers: Pick<Headers, 'get'>): string | null {
  return FORWARDING_HEADERS.find((name) => headers.get(name) !== null) ?? null;
}

const FORWARDING_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'via'];
