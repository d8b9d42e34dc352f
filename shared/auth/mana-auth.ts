/**
 * External keys (`sk_live_…`): asked at mana-auth, remembered by hash. Acceptances and refusals have a memory each, so
 * that guessing keys cannot push a good one out.
 */
import { z } from 'zod';
import type { AuthFailure, UpstreamFault } from '#shared/auth/auth-failure.ts';
import { createCoolDown } from '#shared/auth/cool-down.ts';
import { createExpiringCache } from '#shared/auth/expiring-cache.ts';
import { type FetchLike, fetchJson, type JsonAnswer } from '#shared/auth/fetch-json.ts';
import { digestKey, toHex } from '#shared/auth/key-digest.ts';
import type { Principal, RateLimit } from '#shared/auth/principal.ts';
import { boundScopes, STT_SCOPE } from '#shared/auth/scopes.ts';
import { createSingleFlight } from '#shared/auth/single-flight.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface ManaAuthOptions {
  /** `MANA_CORE_AUTH_URL`, without a slash at the end. */
  readonly baseUrl: string;
  readonly fetch: FetchLike;
  /** Milliseconds. */
  readonly now: () => number;
  /** Of a key for which mana-auth names none. */
  readonly defaultRateLimit: RateLimit | null;
  /**
   * How long an acceptance is kept beyond its 300 s while mana-auth cannot be asked. A key that was revoked meanwhile
   * works for so long; 0 turns it off.
   */
  readonly staleGraceSeconds: number;
  /** Default 5000. */
  readonly timeoutMs?: number;
  /** Keys remembered, good ones and refused ones each. Default 10,000, below 10 MB. */
  readonly maxCached?: number;
  /** See `single-flight.ts`; for tests. */
  readonly isShared?: boolean;
}

/** Whose key it is. */
export type ValidateKey = (key: string) => Promise<Result<Principal, ManaAuthFailure>>;

export type ManaAuthFailure = Extract<AuthFailure, { kind: 'key_refused' | 'auth_unavailable' }>;

/** External keys start with this. */
export const EXTERNAL_KEY_PREFIX = 'sk_live_';

/**
 * Makes the validation. When mana-auth fails, keys that it has accepted before keep working (for `staleGraceSeconds`
 * beyond their time), every other one is `auth_unavailable`, and nobody asks again before a cool-down is over.
 */
export function createManaAuth(options: ManaAuthOptions): ValidateKey {
  const { now, maxCached = 10_000, timeoutMs = TIMEOUT_MS } = options;
  const accepted = createExpiringCache<Principal>(maxCached);
  const refused = createExpiringCache<true>(maxCached);
  const flight = createSingleFlight<Result<Answer, UpstreamFault>>({
    ...{ maxInFlight: MAX_LOOKUPS, maxMs: timeoutMs + SLACK_MS, now },
    ...(options.isShared !== undefined && { isShared: options.isShared }),
  });
  const coolDown = createCoolDown({ firstMs: 1000, maxMs: 30_000, now });

  async function lookUp(key: string, hash: string): Promise<Result<Answer, UpstreamFault>> {
    const answer = await ask(key, hash, options);
    if (!answer.ok) {
      coolDown.failed();
      return answer;
    }
    coolDown.succeeded();
    if (answer.value.principal === null) {
      accepted.delete(hash);
      refused.set(hash, true, now() + REFUSED_MS);
    } else {
      refused.delete(hash);
      accepted.set(hash, answer.value.principal, now() + ACCEPTED_MS);
    }
    return answer;
  }

  /** What is known without asking; null: nothing, or something too old. */
  function recall(hash: string): Result<Principal, ManaAuthFailure> | null {
    const known = accepted.get(hash);
    if (known !== undefined && known.expiresMs > now()) {
      return ok(known.value);
    }
    const isRefused = (refused.get(hash)?.expiresMs ?? 0) > now();
    return isRefused ? fail({ kind: 'key_refused' }) : null;
  }

  return async function validateKey(key) {
    if (!EXTERNAL_KEY.test(key)) {
      return fail({ kind: 'key_refused' });
    }
    const hash = toHex(await digestKey(key));
    let remembered = recall(hash);
    const others = remembered === null ? flight.waitForOthers(hash) : null;
    if (others !== null) {
      await others;
      remembered = recall(hash);
    }
    if (remembered !== null) {
      return remembered;
    }
    const answer = await (coolDown.remainingMs() > 0
      ? fail('cooling_down' as const)
      : (flight.run(hash, () => lookUp(key, hash)) ?? fail('too_many_lookups' as const)));
    if (answer.ok) {
      const { principal } = answer.value;
      return principal === null ? fail({ kind: 'key_refused' }) : ok(principal);
    }
    const known = accepted.get(hash);
    if (known !== undefined && now() < known.expiresMs + options.staleGraceSeconds * 1000) {
      return ok(known.value);
    }
    const retryAfterSeconds = Math.max(1, Math.ceil(coolDown.remainingMs() / 1000));
    return fail({ kind: 'auth_unavailable', cause: answer.error, retryAfterSeconds });
  };
}

const ACCEPTED_MS = 300_000;
const REFUSED_MS = 30_000;
const TIMEOUT_MS = 5000;
/** Beyond the time limit of a question, until it counts as lost. */
const SLACK_MS = 1000;
const MAX_LOOKUPS = 64;
const MAX_ANSWER_BYTES = 64 * 1024;
/** What can be no key is not worth a question, and cannot make mana-auth stumble. */
const EXTERNAL_KEY = /^sk_live_[\w.~+/=-]{1,500}$/;
/** Statuses by which a server may refuse a key in words of its own. */
const REFUSALS = [400, 401, 403, 422];

/** `null`: mana-auth refuses the key. */
interface Answer {
  readonly principal: Principal | null;
}

const Validation = z.discriminatedUnion('valid', [
  z.object({
    valid: z.literal(true),
    userId: z.string().min(1).max(128).nullish(),
    scopes: z.array(z.string()).nullish(),
    rateLimit: z
      .object({
        requests: z.number().int().min(1).max(1_000_000_000),
        /** Seconds. */
        window: z.number().int().min(1).max(31_536_000),
      })
      .nullish(),
  }),
  z.object({ valid: z.literal(false) }),
]);

async function ask(
  key: string,
  hash: string,
  options: ManaAuthOptions,
): Promise<Result<Answer, UpstreamFault>> {
  const answer = await fetchJson({
    fetch: options.fetch,
    url: `${options.baseUrl}/api/v1/api-keys/validate`,
    body: { apiKey: key, scope: STT_SCOPE },
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  });
  return answer.ok ? readAnswer(answer.value, hash, options.defaultRateLimit) : answer;
}

function readAnswer(
  answer: JsonAnswer,
  hash: string,
  defaultRateLimit: RateLimit | null,
): Result<Answer, UpstreamFault> {
  const parsed = Validation.safeParse(answer.body);
  if (!parsed.success) {
    return REFUSALS.includes(answer.status) ? ok({ principal: null }) : fail('bad_answer');
  }
  if (!parsed.data.valid) {
    return ok({ principal: null });
  }
  // A "valid" beside an error status is no clear yes.
  if (answer.status !== 200) {
    return fail('bad_answer');
  }
  const { userId, scopes, rateLimit } = parsed.data;
  const shortHash = hash.slice(0, 16);
  return ok({
    principal: {
      kind: 'external-key',
      // By key and not by person: mana-auth gives every key a limit of its own.
      id: `live:${shortHash}`,
      name: userId ?? `live:${shortHash}`,
      // It was asked for this scope, so a yes without a list means just that.
      scopes: boundScopes(scopes ?? [STT_SCOPE]),
      rateLimit: rateLimit
        ? { requests: rateLimit.requests, windowSeconds: rateLimit.window }
        : defaultRateLimit,
    },
  });
}
