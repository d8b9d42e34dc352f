/** The only place that reads the Worker's `env`: variables, secrets and bindings, checked once for each isolate. */
import { z } from 'zod';
import { type EdgeAuth, readEdgeAuth } from '#edge-worker/auth-settings.ts';
import type { BreakerBoard } from '#edge-worker/durable-objects/breaker-board.ts';
import type { EdgeMetrics } from '#edge-worker/durable-objects/edge-metrics.ts';
import type { RateLimiter } from '#edge-worker/durable-objects/rate-limiter.ts';
import { FormBoolean } from '#shared/contracts/form-fields.ts';
import type { MistralSettings } from '#shared/mistral/hosted.ts';
import { fail, ok, type Result } from '#shared/result.ts';

/** A machine that transcribes, behind the tunnel. */
export interface OriginAddress {
  /** Stands in answers and logs, where the address does not. */
  readonly name: string;
  /** Without a path. */
  readonly url: URL;
  /** Its name in assertions; null: the one of `EDGE_ASSERTION_AUDIENCE`. */
  readonly audience: string | null;
  /** The operator empties it: it finishes what it has, and gets nothing new. */
  readonly isDraining: boolean;
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
  readonly uploadIdleTimeoutSeconds: number;
  /** How long a recording is offered while no origin can be reached. */
  readonly originRetrySeconds: number;
  /** Sent with every request through the tunnel. */
  readonly access: { readonly clientId: string; readonly clientSecret: string } | null;
  readonly auth: EdgeAuth;
  /** Null without a key: nothing leaves our machines then. */
  readonly mistral: MistralSettings | null;
  /** Mistral may step in where a request did not ask for it. */
  readonly isFallbackEnabled: boolean;
  readonly ipShield: IpShield;
  readonly uploads: R2Bucket;
  /** For each principal with a limit; null: no bound. */
  readonly audioSecondsPerDay: number | null;
  /** One object for each principal, by its id. */
  readonly rateLimiters: DurableObjectNamespace<RateLimiter>;
  /** One object for all. */
  readonly breakers: DurableObjectNamespace<BreakerBoard>;
  /** One object for all. */
  readonly metrics: DurableObjectNamespace<EdgeMetrics>;
  /** Of the deployment. */
  readonly version: string;
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
    uploadIdleTimeoutSeconds: data.UPLOAD_IDLE_TIMEOUT,
    originRetrySeconds: data.ORIGIN_RETRY_SECONDS,
    access:
      clientId === undefined || clientSecret === undefined ? null : { clientId, clientSecret },
    auth: auth.value,
    mistral: toMistral(data),
    isFallbackEnabled: data.API_FALLBACK_ENABLED,
    ipShield: data.IP_SHIELD,
    uploads: data.UPLOADS,
    audioSecondsPerDay: data.RATE_LIMIT_AUDIO_SECONDS ?? null,
    rateLimiters: data.RATE_LIMITER,
    breakers: data.BREAKERS,
    metrics: data.METRICS,
    version: data.VERSION?.id || 'unknown',
  });
}

function toMistral({
  MISTRAL_API_KEY: apiKey,
  MISTRAL_BASE_URL: baseUrl,
  MISTRAL_TIMEOUT: seconds,
}: z.infer<typeof EdgeEnvironment>): MistralSettings | null {
  if (apiKey === undefined) return null;
  return { apiKey, baseUrl: baseUrl?.origin ?? null, timeoutMs: seconds * 1000 };
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

const waitSeconds = z
  .string()
  .regex(/^\d{1,4}$/, 'write whole seconds, e.g. 30')
  .transform(Number);

const seconds = z
  .string()
  .regex(/^([1-9]\d{0,6})?$/, 'write whole seconds of audio per day, e.g. 36000, or nothing')
  .transform((text) => (text === '' ? undefined : Number(text)))
  .optional();

const timeoutSeconds = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'write whole seconds, e.g. 600')
  .transform(Number);

/** Printable, as it goes into a header. */
const bearer = secret.refine((key) => key === undefined || /^[\x21-\x7e]{1,512}$/.test(key), {
  error: 'that is no key: it has spaces or other signs, or is too long',
});

const upstream = secret.transform((address, context) => {
  if (address === undefined) return undefined;
  const url = readBareUrl(address);
  if (url !== null) return url;
  context.addIssue({
    code: 'custom',
    message: 'write an https address without a path, or one of this machine',
  });
  return z.NEVER;
});

const flag = z.preprocess((text) => (text === '' ? undefined : text), FormBoolean.default(true));

const origins = list.transform((entries, context) => {
  const addresses = entries.map(readOrigin);
  const names = addresses.map((address) => address?.name);
  const problem = addresses.includes(null)
    ? 'write https addresses without a path, each with a name if you like, and what else is to be known: gpu=https://gpu.example;audience=gpu;drain'
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
  UPLOAD_IDLE_TIMEOUT: waitSeconds.default(30),
  ORIGIN_RETRY_SECONDS: waitSeconds.default(60),
  RATE_LIMIT_AUDIO_SECONDS: seconds,
  MISTRAL_API_KEY: bearer,
  MISTRAL_BASE_URL: upstream,
  MISTRAL_TIMEOUT: timeoutSeconds.default(600),
  API_FALLBACK_ENABLED: flag,
  CF_ACCESS_CLIENT_ID: secret,
  CF_ACCESS_CLIENT_SECRET: secret,
  IP_SHIELD: binding<IpShield>('limit', 'a [[ratelimits]] binding'),
  UPLOADS: binding<R2Bucket>('put', 'an R2 bucket'),
  RATE_LIMITER: binding<DurableObjectNamespace<RateLimiter>>('idFromName', 'a Durable Object'),
  BREAKERS: binding<DurableObjectNamespace<BreakerBoard>>('idFromName', 'a Durable Object'),
  METRICS: binding<DurableObjectNamespace<EdgeMetrics>>('idFromName', 'a Durable Object'),
  VERSION: z.object({ id: z.string().max(100) }).optional(),
});

/**
 * `name=https://host;audience=NAME;drain`. Without a name it goes by its host; the rest may be left out as well. Plain
 * http stays on this machine.
 */
function readOrigin(entry: string): OriginAddress | null {
  const [main = '', ...options] = entry.split(';').map((part) => part.trim());
  const [, given, address = ''] = /^(?:([\w][\w.-]{0,39})=)?(.*)$/.exec(main) ?? [];
  const { audience, isDraining, isKnown } = readOriginOptions(options);
  const url = readBareUrl(address);
  if (url === null || !isKnown) return null;
  return { name: given ?? url.host, url, audience, isDraining };
}

/** Host and port alone. Plain http stays on this machine. */
function readBareUrl(address: string): URL | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLocal);
  const isBare = url.pathname === '/' && url.search === '' && url.hash === '';
  const hasCredentials = url.username !== '' || url.password !== '';
  return isAllowed && isBare && !hasCredentials ? url : null;
}

function readOriginOptions(options: readonly string[]) {
  const audiences = options.flatMap(
    (option) => /^audience=([\x21-\x7e]{1,256})$/.exec(option)?.[1] ?? [],
  );
  const drains = options.filter((option) => option === 'drain').length;
  return {
    audience: audiences[0] ?? null,
    isDraining: drains > 0,
    isKnown: audiences.length + drains === options.length && audiences.length <= 1,
  };
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
