/** The environment variables of Voxtral on this machine, and what they mean in our own names and units. */
import { z } from 'zod';
import { splitCommand } from '#origin/voxtral/command-words.ts';
import {
  DEFAULT_VOXTRAL_MODEL,
  findVoxtralModel,
  longestPieceSeconds,
  VOXTRAL_MODELS,
  type VoxtralModel,
} from '#origin/voxtral/models.ts';
import { yesOrNo } from '#shared/auth/setting-types.ts';

const number = (min: number, max: number, pattern: RegExp, words: string) =>
  z
    .string()
    .transform((text, context) => {
      const value = pattern.test(text.trim()) ? Number(text) : Number.NaN;
      if (!(value >= min && value <= max)) {
        context.addIssue({ code: 'custom', message: `write ${words} from ${min} to ${max}` });
        return z.NEVER;
      }
      return value;
    })
    // Says the same again for the generated page: a transform has no JSON Schema of its own.
    .pipe(z.number().min(min).max(max));

const whole = (min: number, max: number) => number(min, max, /^-?\d{1,12}$/, 'a whole number');
const share = number(0.05, 0.99, /^\d?\.?\d{1,6}$/, 'a number');

const words = z.string().transform((text, context) => {
  const parted = splitCommand(text);
  if (parted !== null) return parted;
  context.addIssue({ code: 'custom', message: 'close the quote that is open' });
  return z.NEVER;
});

const command = words.refine((parted) => parted.length > 0, 'write a command, e.g. vllm');

const url = z.string().transform((text, context) => {
  const parsed = URL.parse(text.trim());
  const isFit =
    parsed !== null &&
    ['http:', 'https:'].includes(parsed.protocol) &&
    parsed.username === '' &&
    parsed.search === '' &&
    parsed.hash === '';
  if (isFit) return parsed.href.replace(/\/+$/, '').replace(/\/v1$/, '');
  context.addIssue({ code: 'custom', message: 'write an address, e.g. http://127.0.0.1:8100' });
  return z.NEVER;
});

const modelName = z
  .string()
  .refine(
    (name) => findVoxtralModel(name) !== null,
    `write one of ${VOXTRAL_MODELS.map(({ id }) => id).join(', ')}, or 3B, 4B, 24B`,
  );

/** To be spread into the schema of all variables. Values are text; an empty one counts as absent. */
export const VoxtralEnvironment = {
  USE_VLLM: yesOrNo
    .default(false)
    .describe(
      '`true` serves Voxtral by vLLM, which the service starts itself unless VLLM_URL is set.',
    ),
  VLLM_URL: url
    .optional()
    .describe(
      'Address of a vLLM that somebody else runs; then none is started, put to sleep or stopped. Unset: the service runs its own.',
    ),
  VLLM_API_KEY: z.string().optional().describe('Key of the vLLM at VLLM_URL, if it wants one.'),
  VLLM_PORT: whole(1, 65_535)
    .default(8100)
    .describe('Port on 127.0.0.1 of the vLLM that the service starts.'),
  VLLM_TIMEOUT: whole(1, 3600)
    .default(300)
    .describe('Seconds that one piece of a recording may take at vLLM.'),
  VLLM_START_TIMEOUT: whole(5, 86_400)
    .default(600)
    .describe('Seconds that a starting vLLM may write nothing to its log before it is given up.'),
  VOXTRAL_MODEL: modelName
    .default(DEFAULT_VOXTRAL_MODEL)
    .describe('Model that vLLM serves: 3B, 4B (realtime), 24B, or a full name.'),
  VOXTRAL_CHUNK_SECONDS: whole(10, 599)
    .default(120)
    .describe('Longest piece that a recording is cut into, at silences. The model may allow less.'),
  VOXTRAL_CONCURRENCY: whole(1, 32)
    .default(4)
    .describe('Pieces of one recording that are at vLLM at a time.'),
  VLLM_COMMAND: command
    .default(['vllm'])
    .describe('Program, with its first arguments, behind which `serve MODEL …` is put.'),
  VLLM_PYTHON: z
    .string()
    .optional()
    .describe('Python in whose environment vLLM is installed; takes the place of VLLM_COMMAND.'),
  VLLM_EXTRA_ARGS: words
    .default([])
    .describe('More arguments for `vllm serve`, e.g. `--max-num-seqs 8`; later ones win.'),
  VLLM_GPU_MEMORY_UTILIZATION: share
    .default(0.62)
    .describe('Share of the card that vLLM may take, 0.05 to 0.99. 0.62 of 24 GB holds the 3B.'),
  VLLM_WSL: z
    .enum(['auto', 'true', 'false'])
    .default('auto')
    .describe('Start vLLM inside WSL by `wsl.exe`. `auto`: on Windows.'),
  VLLM_WSL_DISTRIBUTION: z
    .string()
    .regex(/^[\w][\w. -]{0,99}$/, 'write the name of a distribution, e.g. Ubuntu-24.04')
    .optional()
    .describe('Distribution inside WSL. Unset: its default one.'),
  VLLM_IDLE_TIMEOUT: whole(-1, 2_592_000)
    .default(300)
    .describe('Seconds without work after which vLLM gives its memory back; -1 never.'),
  VLLM_IDLE_ACTION: z
    .enum(['sleep-1', 'sleep-2', 'stop'])
    .default('sleep-1')
    .describe(
      'How: `sleep-1` keeps the weights in main memory, `sleep-2` reads them again from disk, `stop` ends the process. When sleep gives too little back, the process is ended.',
    ),
};

const Schema = z.object(VoxtralEnvironment);
export type VoxtralVariables = z.output<typeof Schema>;

export type IdleAction = VoxtralVariables['VLLM_IDLE_ACTION'];

/** How to start a vLLM of our own. */
export interface VllmLaunch {
  readonly port: number;
  /** Program and first arguments. */
  readonly command: readonly string[];
  readonly extraArgs: readonly string[];
  readonly gpuMemoryUtilization: number;
  /** Null: not inside WSL. `distribution` null: the default one. */
  readonly wsl: { readonly distribution: string | null } | null;
  /** Longest silence of its log while it starts. */
  readonly startTimeoutSeconds: number;
  /** -1 never, 0 at once. */
  readonly idleTimeoutSeconds: number;
  readonly idleAction: IdleAction;
}

export interface VoxtralSettings {
  readonly model: VoxtralModel;
  /** Somebody else's vLLM, or our own. */
  readonly server:
    | { readonly kind: 'external'; readonly baseUrl: string; readonly apiKey: string | null }
    | { readonly kind: 'supervised'; readonly launch: VllmLaunch };
  readonly timeoutMs: number;
  readonly maxPieceSeconds: number;
  readonly concurrency: number;
}

/** Null: USE_VLLM is not set, so there is no Voxtral on this machine. */
export function toVoxtralSettings(
  env: VoxtralVariables,
  platform: NodeJS.Platform,
): VoxtralSettings | null {
  const model = findVoxtralModel(env.VOXTRAL_MODEL);
  if (!env.USE_VLLM || model === null) return null;
  const { VLLM_URL: baseUrl, VLLM_API_KEY: apiKey = null } = env;
  return {
    model,
    server:
      baseUrl === undefined
        ? { kind: 'supervised', launch: toLaunch(env, platform) }
        : { kind: 'external', baseUrl, apiKey },
    timeoutMs: env.VLLM_TIMEOUT * 1000,
    maxPieceSeconds: Math.min(env.VOXTRAL_CHUNK_SECONDS, longestPieceSeconds(model)),
    concurrency: env.VOXTRAL_CONCURRENCY,
  };
}

function toLaunch(env: VoxtralVariables, platform: NodeJS.Platform): VllmLaunch {
  const usesWsl = env.VLLM_WSL === 'true' || (env.VLLM_WSL === 'auto' && platform === 'win32');
  return {
    port: env.VLLM_PORT,
    command:
      env.VLLM_PYTHON === undefined
        ? env.VLLM_COMMAND
        : [env.VLLM_PYTHON, '-m', 'vllm.entrypoints.cli.main'],
    extraArgs: env.VLLM_EXTRA_ARGS,
    gpuMemoryUtilization: env.VLLM_GPU_MEMORY_UTILIZATION,
    wsl: usesWsl ? { distribution: env.VLLM_WSL_DISTRIBUTION ?? null } : null,
    startTimeoutSeconds: env.VLLM_START_TIMEOUT,
    idleTimeoutSeconds: env.VLLM_IDLE_TIMEOUT,
    idleAction: env.VLLM_IDLE_ACTION,
  };
}
