/**
 * The Voxtral models that vLLM serves here, as data: flags, limits and room. Sources: the cards of the three models on
 * Hugging Face, vllm-project/recipes, and vLLM's voxtral.py. None of the numbers of memory was measured here.
 */

export interface VoxtralModel {
  /** Our name, as it stands in requests and answers. */
  readonly id: string;
  /** Other ways to ask for it. */
  readonly aliases: readonly string[];
  /** Name on Hugging Face, and the name vLLM knows it by. */
  readonly repository: string;
  /** Behind `vllm serve REPOSITORY`. */
  readonly flags: readonly string[];
  /** Tokens that audio and text share. */
  readonly contextTokens: number;
  /** Seconds of audio in one token of context. */
  readonly secondsPerAudioToken: number;
  /** The context holds one text token for each of audio, beside it (realtime), or after it (the others). */
  readonly isRealtime: boolean;
  /** Longest audio that the model was made for, seconds. */
  readonly maxAudioSeconds: number;
  /** Weights on the card: what sleep at level 1 or 2 has to give back at least, nearly. */
  readonly weightsMib: number;
  /** Weights, one full context and the work space of a small batch: what an otherwise empty card must have. */
  readonly neededMib: number;
}

export const VOXTRAL_MODELS: readonly VoxtralModel[] = [
  {
    id: 'voxtral-mini-3b-2507',
    aliases: ['3b', 'mini', 'voxtral-mini'],
    repository: 'mistralai/Voxtral-Mini-3B-2507',
    flags: [
      '--tokenizer-mode',
      'mistral',
      '--config-format',
      'mistral',
      '--load-format',
      'mistral',
    ],
    contextTokens: 32_768,
    secondsPerAudioToken: 0.08,
    isRealtime: false,
    maxAudioSeconds: 30 * 60,
    weightsMib: 9000,
    neededMib: 14_500,
  },
  {
    id: 'voxtral-mini-4b-realtime-2602',
    aliases: ['4b', 'realtime', 'voxtral-realtime'],
    repository: 'mistralai/Voxtral-Mini-4B-Realtime-2602',
    flags: [
      '--tokenizer-mode',
      'mistral',
      '--compilation_config',
      '{"cudagraph_mode":"PIECEWISE"}',
    ],
    // An hour: 3600 s / 0.08 s. The default of 131,072 takes 9 GB more for nothing.
    contextTokens: 45_000,
    secondsPerAudioToken: 0.08,
    isRealtime: true,
    maxAudioSeconds: 60 * 60,
    weightsMib: 8500,
    neededMib: 15_500,
  },
  {
    id: 'voxtral-small-24b-2507',
    aliases: ['24b', 'small', 'voxtral-small'],
    repository: 'mistralai/Voxtral-Small-24B-2507',
    flags: [
      '--tokenizer-mode',
      'mistral',
      '--config-format',
      'mistral',
      '--load-format',
      'mistral',
    ],
    contextTokens: 32_768,
    secondsPerAudioToken: 0.08,
    isRealtime: false,
    maxAudioSeconds: 30 * 60,
    weightsMib: 46_500,
    neededMib: 56_500,
  },
];

export const DEFAULT_VOXTRAL_MODEL = 'voxtral-mini-3b-2507';

/** By our name, an alias, or the name on Hugging Face, in any case; null for none of ours. */
export function findVoxtralModel(name: string): VoxtralModel | null {
  const wanted = name.trim().toLowerCase();
  const names = ({ id, aliases, repository }: VoxtralModel) => [
    id,
    ...aliases,
    repository.toLowerCase(),
    repository.slice(repository.indexOf('/') + 1).toLowerCase(),
  ];
  return VOXTRAL_MODELS.find((model) => names(model).includes(wanted)) ?? null;
}

/** vLLM's own limits for one file, as long as nobody raises them by its environment. */
export const VLLM_MAX_FILE_BYTES = 25 * 1024 * 1024;
export const VLLM_MAX_DECODE_SECONDS = 600;

/** Samples per second of what is sent. */
export const SAMPLE_RATE = 16_000;

/** 16-bit samples behind a header of 44 bytes. */
const WAV_BYTES_PER_SECOND = 2 * SAMPLE_RATE;
const HEADER_BYTES = 44;

/** Tokens that fast speech needs per second, in the languages that need most. */
const TEXT_TOKENS_PER_SECOND = 10;
/** For instructions, language and marks around audio and text. */
const RESERVED_TOKENS = 256;

/** Longest piece of a recording that file size, decoder and context allow, seconds. */
export function longestPieceSeconds(model: VoxtralModel): number {
  const perAudio = 1 / model.secondsPerAudioToken;
  const perSecond = model.isRealtime ? perAudio : perAudio + TEXT_TOKENS_PER_SECOND;
  const byContext = (model.contextTokens - RESERVED_TOKENS) / perSecond;
  const bySize = (VLLM_MAX_FILE_BYTES - HEADER_BYTES) / WAV_BYTES_PER_SECOND;
  // A second less than the decoder's limit: it counts in its own way.
  const byDecoder = VLLM_MAX_DECODE_SECONDS - 1;
  return Math.floor(Math.min(byContext, bySize, byDecoder, model.maxAudioSeconds));
}
