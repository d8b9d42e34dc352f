/** The only place that reads the Worker's `env`: variables, secrets and bindings, checked once for each isolate. */
import { z } from 'zod';
import { type EdgeAuth, readEdgeAuth } from '#edge-worker/auth-settings.ts';
import type { RateLimiter } from '#edge-worker/durable-objects/rate-limiter.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** A machine that transcribes, behind the tunnel. */
export interface OriginAddress {
  /** Stands in answers and logs, where the address does not. */
  readonly name: string;
  /** Without a path. */
  readonly url: URL;
}

/** The limiter of `[[ratelimits]]`: true while the key is within its limit. */
export interface IpShield {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** What the Worker is told from outside. */
export interface EdgeConfig {
  /** At least one; the first is asked first. */
  readonly origins: readonly OriginAddress[];
  readonly corsOrigins: readonly string[];
  readonly maxUploadBytes: number;
  /** Sent with every request through the tunnel. */
  readonly access: { readonly clientId: string; readonly clientSecret: string } | null;
  readonly auth: EdgeAuth;
  readonly ipShield: IpShield;
  readonly uploads: R2Bucket;
  /** For each principal with a limit; null: no bound. */
  readonly audioSecondsPerDay: number | null;
  /** One object for each principal, by its id. */
  readonly rateLimiters: DurableObjectNamespace<RateLimiter>;
}

/**
 * Reads and checks the environment.
 * @returns all faults at once, each a sentence that names its variable and never repeats a secret
 */
export function readBindings(env: unknown): Result<EdgeConfig, readonly string[]> {
  const parsed = EdgeEnvironment.safeParse(env);
  const auth = readEdgeAuth(typeof env === 'object' ? { ...env } : {});
  if (!parsed.success || !auth.ok) {
    const issues = parsed.error?.issues ?? [];
    const faults = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return fail([...faults, ...(auth.ok ? [] : auth.error)]);
  }
  const { data } = parsed;
  const { CF_ACCESS_CLIENT_ID: clientId, CF_ACCESS_CLIENT_SECRET: clientSecret } = data;
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    return fail(['CF_ACCESS_CLIENT_ID: set it together with CF_ACCESS_CLIENT_SECRET, or neither']);
  }
  return ok({
    origins: data.ORIGINS,
    corsOrigins: data.CORS_ORIGINS,
    maxUploadBytes: data.MAX_UPLOAD_MB * 1024 * 1024,
    access:
      clientId === undefined || clientSecret === undefined ? null : { clientId, clientSecret },
    auth: auth.value,
    ipShield: data.IP_SHIELD,
    uploads: data.UPLOADS,
    audioSecondsPerDay: data.RATE_LIMIT_AUDIO_SECONDS ?? null,
    rateLimiters: data.RATE_LIMITER,
  });
}

const MAX_ORIGINS = 20;

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** An empty variable counts as absent. */
const secret = z
  .string()
  .transform((text) => (text === '' ? undefined : text))
  .optional();

const megabytes = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, 'write whole megabytes, e.g. 100')
  .transform(Number);

const seconds = z
  .string()
  .regex(/^([1-9]\d{0,6})?$/, 'write whole seconds of audio per day, e.g. 36000, or nothing')
  .transform((text) => (text === '' ? undefined : Number(text)))
  .optional();

const origins = list.transform((entries, context) => {
  const addresses = entries.map(readOrigin);
  const names = addresses.map((address) => address?.name);
  const problem = addresses.includes(null)
    ? 'write https addresses without a path, each with a name if you like: gpu=https://gpu.example'
    : new Set(names).size < names.length
      ? 'two origins have one name'
      : entries.length === 0 || entries.length > MAX_ORIGINS
        ? `name from 1 to ${MAX_ORIGINS} origins`
        : null;
  if (problem === null) return addresses.filter((address) => address !== null);
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

/** The variables by name. */
const EdgeEnvironment = z.object({
  ORIGINS: origins,
  CORS_ORIGINS: list.default([]),
  MAX_UPLOAD_MB: megabytes.default(100),
  RATE_LIMIT_AUDIO_SECONDS: seconds,
  CF_ACCESS_CLIENT_ID: secret,
  CF_ACCESS_CLIENT_SECRET: secret,
  IP_SHIELD: binding<IpShield>('limit', 'a [[ratelimits]] binding'),
  UPLOADS: binding<R2Bucket>('put', 'an R2 bucket'),
  RATE_LIMITER: binding<DurableObjectNamespace<RateLimiter>>('idFromName', 'a Durable Object'),
});

/** `name=https://host`, or the address alone, which then goes by its host. Plain http stays on this machine. */
function readOrigin(entry: string): OriginAddress | null {
  const [, given, address = ''] = /^(?:([\w][\w.-]{0,39})=)?(.*)$/.exec(entry) ?? [];
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLocal);
  const isBare = url.pathname === '/' && url.search === '' && url.hash === '';
  const hasCredentials = url.username !== '' || url.password !== '';
  return isAllowed && isBare && !hasCredentials ? { name: given ?? url.host, url } : null;
}

/** Objects of the runtime have no schema; the method that is called must be there. */
function binding<Binding extends object>(method: keyof Binding & string, what: string) {
  const hasMethod = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    method in value &&
    typeof Reflect.get(value, method) === 'function';
  return z.custom<Binding>(hasMethod, `wrangler.toml must bind ${what}`);
}
