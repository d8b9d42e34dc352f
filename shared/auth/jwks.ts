/**
 * The public keys of mana-auth. jose picks the key; when to fetch is decided here, because jose's own remote set neither
 * keeps working on old keys when the server is down nor stays away from it after failures.
 */
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWTHeaderParameters,
} from 'jose';
import { z } from 'zod';
import type { UpstreamFault } from '#shared/auth/auth-failure.ts';
import { createCoolDown } from '#shared/auth/cool-down.ts';
import { type FetchLike, fetchJson } from '#shared/auth/fetch-json.ts';
import { createSingleFlight } from '#shared/auth/single-flight.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface JwksOptions {
  readonly url: string;
  readonly fetch: FetchLike;
  /** Milliseconds. */
  readonly now: () => number;
  /** Default 5000. */
  readonly timeoutMs?: number;
  /** See `single-flight.ts`; for tests. */
  readonly isShared?: boolean;
}

/** Finds the key for a token whose header has a `kid`. */
export type FindKey = (
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
) => Promise<Result<CryptoKey, KeyFault>>;

export type KeyFault =
  | { readonly kind: 'unknown_key_id' }
  | {
      readonly kind: 'auth_unavailable';
      readonly cause: UpstreamFault;
      readonly retryAfterSeconds: number;
    };

/**
 * Makes the key finder. The set is fetched when first needed, again after 10 minutes, and for an unknown `kid` at most
 * once in 30 s, whatever became of it. When mana-auth is down, keys that were fetched keep working for a day.
 */
export function createJwks(options: JwksOptions): FindKey {
  const { now, timeoutMs = TIMEOUT_MS } = options;
  const coolDown = createCoolDown({ firstMs: 1000, maxMs: REFETCH_MS, now });
  const flight = createSingleFlight<Result<KeySet, UpstreamFault>>({
    ...{ maxInFlight: MAX_FETCHES, maxMs: timeoutMs + SLACK_MS, now },
    ...(options.isShared !== undefined && { isShared: options.isShared }),
  });
  let current: KeySet | null = null;
  /** Why the last fetch failed; null when it did not. */
  let fault: UpstreamFault | null = null;

  async function fetchSet(): Promise<Result<KeySet, UpstreamFault>> {
    const answer = await fetchKeySet(options);
    if (answer.ok) {
      current = answer.value;
      fault = null;
      coolDown.succeeded();
    } else {
      fault = answer.error;
      coolDown.failed();
    }
    return answer;
  }

  async function refresh(): Promise<void> {
    if (coolDown.remainingMs() === 0) {
      await (flight.waitForOthers('') ?? flight.run('', fetchSet));
    }
  }

  const isOlderThan = (ms: number) => current === null || now() - current.fetchedMs >= ms;

  return async function findKey(header, token) {
    if (isOlderThan(FRESH_MS)) {
      await refresh();
    }
    let key = isOlderThan(USABLE_MS) ? null : await pickKey(current, header, token);
    if (key === null && isOlderThan(REFETCH_MS)) {
      await refresh();
      key = isOlderThan(USABLE_MS) ? null : await pickKey(current, header, token);
    }
    if (key !== null) {
      return ok(key);
    }
    // With mana-auth down nobody can say whether the kid is a new one.
    if (fault !== null || isOlderThan(USABLE_MS)) {
      const retryAfterSeconds = Math.max(1, Math.ceil(coolDown.remainingMs() / 1000));
      const cause = fault ?? 'too_many_lookups';
      return fail({ kind: 'auth_unavailable', cause, retryAfterSeconds });
    }
    return fail({ kind: 'unknown_key_id' });
  };
}

const FRESH_MS = 600_000;
const REFETCH_MS = 30_000;
const USABLE_MS = 86_400_000;
const TIMEOUT_MS = 5000;
/** Beyond the time limit of a fetch, until it counts as lost. */
const SLACK_MS = 1000;
const MAX_FETCHES = 8;
const MAX_SET_BYTES = 256 * 1024;

interface KeySet {
  readonly pick: ReturnType<typeof createLocalJWKSet>;
  readonly fetchedMs: number;
}

/** What is looked at here; jose checks the rest of a key when it is used. */
const KeySetShape = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(100),
});

async function fetchKeySet(options: JwksOptions): Promise<Result<KeySet, UpstreamFault>> {
  const answer = await fetchJson({
    fetch: options.fetch,
    url: options.url,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBytes: MAX_SET_BYTES,
  });
  if (!answer.ok) {
    return answer;
  }
  const parsed = KeySetShape.safeParse(answer.value.body);
  return answer.value.status === 200 && parsed.success
    ? ok({ pick: createLocalJWKSet(parsed.data), fetchedMs: options.now() })
    : fail('bad_answer');
}

/** @returns null when the set has no usable key of that `kid`, or several */
async function pickKey(
  set: KeySet | null,
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
): Promise<CryptoKey | null> {
  try {
    return set === null ? null : await set.pick(header, token);
  } catch (error) {
    // A key that jose or WebCrypto cannot read is mana-auth's fault: the token goes unverified, nothing breaks.
    if (
      error instanceof errors.JOSEError ||
      error instanceof DOMException ||
      error instanceof TypeError
    ) {
      return null;
    }
    throw error;
  }
}
