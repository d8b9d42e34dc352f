/** Every environment variable of the origin, with its default and what it does. `docs/configuration.md` is made of this. */
import { z } from 'zod';
import { VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';
import { authUrl, yesOrNo } from '#shared/auth/setting-types.ts';
import { AuthEnvironment, SECRET_AUTH_VARIABLES } from '#shared/auth/settings.ts';
import { findLanguage } from '#shared/contracts/languages.ts';

const whole = (min: number, max: number) =>
  z
    .string()
    .transform((text, context) => {
      const value = /^-?\d{1,12}$/.test(text.trim()) ? Number(text) : Number.NaN;
      if (!(value >= min && value <= max)) {
        context.addIssue({ code: 'custom', message: `write a whole number from ${min} to ${max}` });
        return z.NEVER;
      }
      return value;
    })
    // Says the same again for the generated page: a transform has no JSON Schema of its own.
    .pipe(z.number().int().min(min).max(max));

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** Printable, as it goes into a header. */
const bearer = z
  .string()
  .regex(/^[\x21-\x7e]{1,512}$/, 'that is no key: it has spaces or other signs, or is too long');

const modelName = z.string().regex(/^[\w][\w.-]{0,99}$/, 'write the name of a model, e.g. base');

const language = z.string().transform((text, context) => {
  const code = findLanguage(text);
  if (code === null) {
    context.addIssue({ code: 'custom', message: 'write a language Whisper knows, e.g. de' });
    return z.NEVER;
  }
  return code;
});

/** The variables by name. Values are text; an empty one counts as absent. */
export const OriginEnvironment = z.object({
  PORT: whole(0, 65_535).default(3020).describe('TCP port. 0 takes a free one.'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe(
      'Address to listen on. 0.0.0.0 opens the service to the network, for which it needs a key (API_KEYS or another) or REQUIRE_AUTH=false.',
    ),
  WHISPER_MODEL: z
    .string()
    .optional()
    .describe('Default model. Unset: `large-v3` on CUDA, `base` on the CPU.'),
  SPEAKER_MODEL: modelName
    .default('speaker')
    .describe(
      'Encoder that tells voices apart. `speaker` comes with the project, `wespeaker-resnet34-lm` can be pulled.',
    ),
  SEGMENTATION_MODEL: modelName
    .default('segmentation')
    .describe(
      'Finds speech and changes of speaker. `segmentation` comes with the project, `segmentation-3.0` can be pulled.',
    ),
  WHISPER_DEVICE: z
    .enum(['auto', 'cuda', 'cpu'])
    .default('auto')
    .describe('Where models run. `auto` takes CUDA when it works.'),
  WHISPER_COMPUTE_TYPE: z
    .enum(['auto', 'float16', 'float32', 'int8'])
    .default('auto')
    .describe('Number format of the weights. `auto`: float16 on CUDA, int8 on the CPU.'),
  WHISPER_DEFAULT_LANGUAGE: language
    .default('de')
    .describe('Taken only when nobody named a language and detection is unsure.'),
  WHISPERX_BATCH_SIZE: whole(1, 128)
    .optional()
    .describe('Chunks of audio per batch. Unset: 16 on CUDA, small on the CPU.'),
  PRELOAD_MODELS: z
    .string()
    .default('false')
    .describe(
      '`true` loads the default model at start, a comma list loads those; `false` waits for use.',
    ),
  VRAM_IDLE_TIMEOUT: whole(-1, 2_592_000)
    .default(300)
    .describe(
      'Seconds without work after which the engine ends and gives its memory back; -1 never.',
    ),
  MAX_CONCURRENT_REQUESTS: whole(1, 64)
    .default(3)
    .describe('Recordings transcribed at a time; their chunks share batches.'),
  MAX_QUEUE: whole(0, 1000)
    .default(20)
    .describe('Requests that may wait or upload besides those; further ones get 429.'),
  MAX_UPLOAD_MB: whole(1, 10_000).default(100).describe('Largest file, in MB of 1,048,576 bytes.'),
  UPLOAD_IDLE_TIMEOUT: whole(1, 3600)
    .default(30)
    .describe('Seconds without a byte after which an upload is given up.'),
  MAX_AUDIO_SECONDS: whole(1, 86_400).default(14_400).describe('Longest recording, in seconds.'),
  DATA_DIR: z.string().default('data').describe('Folder of everything the service keeps.'),
  TMP_DIR: z
    .string()
    .optional()
    .describe(
      'Folder of uploads in work; those that a crash left behind are removed at start. Unset: `spool` in DATA_DIR.',
    ),
  MODELS_DIR: z
    .string()
    .optional()
    .describe('Folder of pulled models. Unset: `models` in DATA_DIR.'),
  THREADS: whole(1, 256)
    .optional()
    .describe('CPU threads of the engine. Unset: one per processor core.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: authUrl
    .optional()
    .describe(
      'Address of a collector for OpenTelemetry traces over HTTP, without the path. Headers, if it wants any, stand in OTEL_EXPORTER_OTLP_HEADERS. Unset: no traces.',
    ),
  CORS_ORIGINS: list
    .default([])
    .describe('Web origins that may call from a browser, with commas; `*` for every one.'),
  METRICS_ALLOW: list
    .default(['127.0.0.1', '::1'])
    .describe(
      'Addresses or networks (`10.0.0.0/8`) that may read /metrics without a key. Requests that came through a proxy always need the key.',
    ),
  JOB_RETENTION: whole(60, 2_592_000)
    .default(86_400)
    .describe('Seconds that a finished job and its result are kept.'),
  MAX_JOBS: whole(1, 100_000)
    .default(1000)
    .describe('Jobs that may wait or run; further ones get 503.'),
  MAX_JOBS_MB: whole(1, 100_000_000)
    .default(20_000)
    .describe('Disk for recordings and results of jobs, in MB of 1,048,576 bytes.'),
  GPU_LEDGER: z
    .enum(['auto', 'gpu', 'ram', 'off'])
    .default('auto')
    .describe(
      'What memory is shared out under /v1/gpu, and among our own models. `auto`: GPUs, or RAM where there is no nvidia-smi; our own models then ask for none, `ram` makes them. `off`: there are no such routes, and models are loaded without asking for room.',
    ),
  GPU_RESERVE_MIB: whole(0, 1_000_000)
    .default(1024)
    .describe(
      'MiB of each device that are never leased: for the desktop, and for what nobody planned.',
    ),
  GPU_RELEASE_HOSTS: list
    .default([])
    .describe(
      'Hosts besides this machine that a lease may name in `release_url`, with commas, e.g. names of containers.',
    ),
  NVIDIA_SMI: z
    .string()
    .default('nvidia-smi')
    .describe('Program that tells how much GPU memory is free: a name in PATH, or a path.'),
  ...VoxtralEnvironment,
  MISTRAL_API_KEY: bearer
    .optional()
    .describe(
      'Key of Mistral, for `/transcribe/auto` and `/transcribe/voxtral`. Unset: no recording leaves this machine.',
    ),
  MISTRAL_BASE_URL: authUrl
    .optional()
    .describe('Address of another service that speaks the protocol of Mistral. Unset: its own.'),
  MISTRAL_TIMEOUT: whole(1, 86_400)
    .default(600)
    .describe('Seconds that a recording may take at Mistral, upload and answer together.'),
  API_FALLBACK_ENABLED: yesOrNo
    .default(true)
    .describe(
      'Mistral may step in where it was not asked for. `false`: it answers only where it is named, or is the only Voxtral.',
    ),
  DRAIN_TIMEOUT: whole(0, 3600)
    .default(30)
    .describe('Seconds that running requests get to finish after SIGTERM or SIGINT.'),
  ...AuthEnvironment.shape,
  RATE_LIMIT_AUDIO_SECONDS: whole(1, 1_000_000_000)
    .optional()
    .describe(
      'Seconds of audio that each caller may have transcribed per day (UTC). Unset: no limit. Neither the internal key nor what the edge has checked is limited here.',
    ),
});

/** Variables that may come from a file: `NAME_FILE` holds its path. Their values are never shown. */
export const SECRET_VARIABLES: readonly string[] = [
  ...SECRET_AUTH_VARIABLES,
  'EDGE_ASSERTION_PUBLIC_KEYS',
  'MISTRAL_API_KEY',
  'VLLM_API_KEY',
].filter((name) => name in OriginEnvironment.shape);
