/** The origin's settings: read once at start, all faults told in one message. */
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { readSecretFile } from '#models/read-secret-file.ts';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { toVoxtralSettings, type VoxtralSettings } from '#origin/voxtral/voxtral-settings.ts';
import { type AuthSettings, AuthSettingsError, toAuthSettings } from '#shared/auth/settings.ts';
import type { MistralSettings } from '#shared/mistral/hosted.ts';
import {
  type ReadSecretFile,
  type ResolvedSecrets,
  resolveSecretFiles,
} from '#shared/secret-files.ts';

/** What `docs/configuration.md` explains, in our own names and units. Paths are absolute. */
export interface OriginConfig {
  readonly port: number;
  readonly host: string;
  /** Null: chosen by the device. */
  readonly whisperModel: string | null;
  /** Absent: the embedded one. */
  readonly speakerModel?: string;
  readonly segmentationModel?: string;
  readonly device: 'auto' | 'cuda' | 'cpu';
  readonly computeType: 'auto' | 'float16' | 'float32' | 'int8';
  /** Whisper's code; taken only when detection is unsure. */
  readonly defaultLanguage: string;
  /** Null: chosen by the device. */
  readonly batchSize: number | null;
  readonly preloadModels: 'none' | 'default' | readonly string[];
  /** Null: the engine stays. */
  readonly idleTimeoutSeconds: number | null;
  readonly maxConcurrentRequests: number;
  readonly maxQueue: number;
  readonly maxUploadBytes: number;
  readonly uploadIdleTimeoutSeconds: number;
  readonly maxAudioSeconds: number;
  readonly dataDir: string;
  readonly spoolDir: string;
  readonly modelsDir: string;
  /** Null: one per processor core. */
  readonly threads: number | null;
  readonly logLevel: z.output<typeof OriginEnvironment>['LOG_LEVEL'];
  /** Of traces, without a slash at the end; null: none are sent. */
  readonly otlpEndpoint?: string | null;
  readonly corsOrigins: readonly string[];
  readonly metricsAllow: readonly string[];
  readonly internalApiKey: string | null;
  readonly jobRetentionSeconds: number;
  /** Jobs that may wait or run. */
  readonly maxJobs: number;
  /** Of recordings and results of all jobs. */
  readonly maxJobsBytes: number;
  /** Whose memory is leased; `off`: none. */
  readonly gpuLedger: 'auto' | 'gpu' | 'ram' | 'off';
  /** Of each device, never leased. */
  readonly gpuReserveMib: number;
  /** Besides this machine. */
  readonly gpuReleaseHosts: readonly string[];
  readonly nvidiaSmi: string;
  /** Absent or null: no vLLM is used. */
  readonly voxtral?: VoxtralSettings | null;
  /** Absent or null: nothing goes to Mistral. */
  readonly mistral?: MistralSettings | null;
  /** Hosted backends may step in where they were not asked for. */
  readonly isFallbackEnabled?: boolean;
  readonly drainTimeoutSeconds: number;
  readonly auth: AuthSettings;
  /** Somebody has written RATE_LIMIT_REQUESTS: then it holds for this machine's own programs too. */
  readonly isRateLimitGiven: boolean;
  /** Of one principal; null: no limit. */
  readonly audioSecondsPerDay: number | null;
}

/** Settings that cannot be used. The message names every one of them; no value of a key is repeated. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the settings from the environment. Variables that are not ours are ignored, empty ones count as absent.
 * @param readFile reads the file of a secret; the disk unless given
 * @throws ConfigError listing every fault
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: ReadSecretFile = readSecretFile,
): OriginConfig {
  const secrets = resolveSecretFiles(environment, SECRET_VARIABLES, readFile);
  const given = Object.entries(secrets.environment).filter(
    ([, value]) => (value ?? '').trim() !== '',
  );
  const parsed = OriginEnvironment.safeParse(Object.fromEntries(given));
  if (!parsed.success || secrets.faults.length > 0) {
    const issues = parsed.error?.issues ?? [];
    const faults = [...issues.map((issue) => describeFault(issue, secrets)), ...secrets.faults];
    throw new ConfigError(`These settings cannot be used:\n${faults.join('\n')}`);
  }
  return {
    ...toConfig(parsed.data),
    auth: readAuth(parsed.data),
    isRateLimitGiven: given.some(([name]) => name === 'RATE_LIMIT_REQUESTS'),
  };
}

type Parsed = z.output<typeof OriginEnvironment>;

function readAuth(env: Parsed): AuthSettings {
  try {
    return toAuthSettings(env);
  } catch (error) {
    throw error instanceof AuthSettingsError ? new ConfigError(error.message) : error;
  }
}

function toConfig(env: Parsed): Omit<OriginConfig, 'auth' | 'isRateLimitGiven'> {
  const dataDir = resolve(env.DATA_DIR);
  return {
    port: env.PORT,
    host: env.HOST,
    whisperModel: env.WHISPER_MODEL ?? null,
    speakerModel: env.SPEAKER_MODEL,
    segmentationModel: env.SEGMENTATION_MODEL,
    device: env.WHISPER_DEVICE,
    computeType: env.WHISPER_COMPUTE_TYPE,
    defaultLanguage: env.WHISPER_DEFAULT_LANGUAGE,
    batchSize: env.WHISPERX_BATCH_SIZE ?? null,
    preloadModels: toPreload(env.PRELOAD_MODELS),
    idleTimeoutSeconds: env.VRAM_IDLE_TIMEOUT === -1 ? null : env.VRAM_IDLE_TIMEOUT,
    maxConcurrentRequests: env.MAX_CONCURRENT_REQUESTS,
    maxQueue: env.MAX_QUEUE,
    maxUploadBytes: env.MAX_UPLOAD_MB * BYTES_PER_MB,
    uploadIdleTimeoutSeconds: env.UPLOAD_IDLE_TIMEOUT,
    maxAudioSeconds: env.MAX_AUDIO_SECONDS,
    dataDir,
    spoolDir: env.TMP_DIR === undefined ? join(dataDir, 'spool') : resolve(env.TMP_DIR),
    modelsDir: env.MODELS_DIR === undefined ? join(dataDir, 'models') : resolve(env.MODELS_DIR),
    threads: env.THREADS ?? null,
    logLevel: env.LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    corsOrigins: env.CORS_ORIGINS,
    metricsAllow: env.METRICS_ALLOW,
    internalApiKey: env.INTERNAL_API_KEY ?? null,
    jobRetentionSeconds: env.JOB_RETENTION,
    maxJobs: env.MAX_JOBS,
    maxJobsBytes: env.MAX_JOBS_MB * BYTES_PER_MB,
    gpuLedger: env.GPU_LEDGER,
    gpuReserveMib: env.GPU_RESERVE_MIB,
    gpuReleaseHosts: env.GPU_RELEASE_HOSTS,
    nvidiaSmi: env.NVIDIA_SMI,
    voxtral: toVoxtralSettings(env, process.platform),
    mistral: toMistral(env),
    isFallbackEnabled: env.API_FALLBACK_ENABLED,
    drainTimeoutSeconds: env.DRAIN_TIMEOUT,
    audioSecondsPerDay: env.RATE_LIMIT_AUDIO_SECONDS ?? null,
  };
}

function toMistral({
  MISTRAL_API_KEY: apiKey,
  MISTRAL_BASE_URL: baseUrl,
  MISTRAL_TIMEOUT: timeoutSeconds,
}: Parsed): MistralSettings | null {
  return apiKey === undefined
    ? null
    : { apiKey, baseUrl: baseUrl ?? null, timeoutMs: timeoutSeconds * 1000 };
}

const BYTES_PER_MB = 1024 * 1024;

function toPreload(text: string): OriginConfig['preloadModels'] {
  const word = text.trim().toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) {
    return 'default';
  }
  if (['false', '0', 'no', 'off'].includes(word)) {
    return 'none';
  }
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function describeFault(
  issue: z.core.$ZodIssue,
  { environment, fromFiles }: ResolvedSecrets,
): string {
  const name = String(issue.path[0]);
  const value = (environment[name] ?? '').slice(0, MAX_ECHO_CHARACTERS);
  const hidden = fromFiles.includes(name) ? `(in the file of ${name}_FILE)` : '(hidden)';
  const found = isSecret(name) ? hidden : `"${value}"`;
  return `  ${name}=${found}: ${issue.message}`;
}

const MAX_ECHO_CHARACTERS = 100;

/** Addresses too: one may hold a password, which is what it is refused for. */
function isSecret(name: string): boolean {
  return SECRET_VARIABLES.includes(name) || /_(KEYS?|TOKEN|URL|ENDPOINT)$/.test(name);
}
