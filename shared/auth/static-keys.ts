/** Keys from the settings: the internal one and those of `API_KEYS`. */
import { digestKey, isSameDigest } from '#shared/auth/key-digest.ts';
import type { Principal, RateLimit } from '#shared/auth/principal.ts';
import { STT_SCOPE } from '#shared/auth/scopes.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** One key of `API_KEYS` and the app it belongs to. */
export interface NamedKey {
  readonly key: string;
  readonly name: string;
}

export interface StaticKeyOptions {
  readonly internalApiKey: string | null;
  readonly apiKeys: readonly NamedKey[];
  /** Of every key of `apiKeys`. The internal key has no limit. */
  readonly defaultRateLimit: RateLimit | null;
}

/** Whose key it is; `null` when it is none of ours. */
export type FindStaticKey = (key: string) => Promise<Principal | null>;

/**
 * Reads `API_KEYS`: `KEY:NAME,KEY:NAME`. Two keys may have one name (while they are being changed) and then share
 * one limit; one key may not have two names.
 * @returns the keys, or one sentence per fault; no sentence holds a key
 */
export function parseApiKeys(text: string): Result<readonly NamedKey[], readonly string[]> {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseEntry);
  const faults: string[] = [];
  const seen = new Map<string, number>();
  for (const [index, { key, name }] of entries.entries()) {
    const fault = judgeEntry(key, name) ?? judgeRepetition(key, seen);
    if (fault !== null) {
      faults.push(`entry ${index + 1} ${fault}`);
    }
    seen.set(key, index + 1);
  }
  if (entries.length > MAX_API_KEYS) {
    faults.push(`there are ${entries.length} entries, more than ${MAX_API_KEYS}`);
  }
  return faults.length > 0 ? fail(faults) : ok(entries);
}

/** Whether a key of the settings can be sent in a header at all and is not guessed at once. */
export function isUsableKey(key: string): boolean {
  return new RegExp(`^[\\x21-\\x7e]{${MIN_KEY_CHARACTERS},${MAX_KEY_CHARACTERS}}$`).test(key);
}

/** Makes the look-up. All keys are compared each time, by digest, so its duration says nothing. */
export function createStaticKeys(options: StaticKeyOptions): FindStaticKey {
  const known = Promise.all(
    toOwners(options).map(async ({ key, principal }) => ({
      digest: await digestKey(key),
      principal,
    })),
  );
  return async function findStaticKey(key) {
    const sent = await digestKey(key);
    let found: Principal | null = null;
    for (const { digest, principal } of await known) {
      if (isSameDigest(sent, digest)) {
        found = principal;
      }
    }
    return found;
  };
}

export const MIN_KEY_CHARACTERS = 6;
export const MAX_KEY_CHARACTERS = 512;
const MAX_API_KEYS = 1000;
const NAME = /^\w[\w .@/-]{0,63}$/;

function parseEntry(entry: string): NamedKey {
  const colon = entry.indexOf(':');
  return colon < 0
    ? { key: entry, name: '' }
    : { key: entry.slice(0, colon).trim(), name: entry.slice(colon + 1).trim() };
}

function judgeEntry(key: string, name: string): string | null {
  if (name === '') {
    return 'has no name: write KEY:NAME';
  }
  if (!NAME.test(name)) {
    return 'has a name that cannot be used: up to 64 letters, digits and . _ @ / -';
  }
  if (!isUsableKey(key)) {
    return `has a key that cannot be used: ${MIN_KEY_CHARACTERS} to ${MAX_KEY_CHARACTERS} visible ASCII characters`;
  }
  return null;
}

function judgeRepetition(key: string, seen: ReadonlyMap<string, number>): string | null {
  const first = seen.get(key);
  return first === undefined ? null : `repeats the key of entry ${first}: one name per key`;
}

function toOwners(options: StaticKeyOptions): { key: string; principal: Principal }[] {
  const scopes = [STT_SCOPE];
  const owners = options.apiKeys.map(({ key, name }) => ({
    key,
    principal: {
      kind: 'local-key',
      id: `key:${name}`,
      name,
      scopes,
      rateLimit: options.defaultRateLimit,
    } satisfies Principal,
  }));
  if (options.internalApiKey === null) {
    return owners;
  }
  const internal: Principal = {
    kind: 'internal',
    id: 'internal',
    name: 'internal',
    scopes,
    rateLimit: null,
  };
  // Last, so that it wins over an app with the same key, which the settings refuse anyway.
  return [...owners, { key: options.internalApiKey, principal: internal }];
}
