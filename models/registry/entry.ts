/** What the registry knows of a model, by what the model is for. */
import type { CtcDimensions } from '#models/ctc-size.ts';
import type { WhisperDimensions } from '#models/model-size.ts';

export type ModelEntry = WhisperEntry | AlignerEntry | SpeakerEncoderEntry | SegmentationEntry;
export type ModelKind = ModelEntry['kind'];

interface Entry {
  readonly name: string;
  /** Hugging Face repository, `owner/name`. */
  readonly repository: string;
  /** A commit hash, or `main` where none is known yet. */
  readonly revision: string;
  /** False: `revision` is a branch, so what it holds may change. */
  readonly isPinned: boolean;
  readonly licence: Licence;
  readonly weights: WeightsFile;
  /** Other names that mean this model; its repository is always one. */
  readonly aliases: readonly string[];
  readonly note?: string;
}

/** Speech to text. */
export interface WhisperEntry extends Entry {
  readonly kind: 'whisper';
  readonly languages: 'multilingual' | 'en';
  readonly dimensions: WhisperDimensions;
}

/** Text and speech to times: a `Wav2Vec2ForCTC`. */
export interface AlignerEntry extends Entry {
  readonly kind: 'ctc-aligner';
  /** Whisper's codes; `*` is any language. */
  readonly languages: readonly string[];
  readonly dimensions: CtcDimensions;
  /** `own`: the language's own script. `latin`: text has to be romanised first. */
  readonly script: 'own' | 'latin';
}

/** A stretch of speech to a vector that stands for the voice. */
export interface SpeakerEncoderEntry extends Entry {
  readonly kind: 'speaker-encoder';
  readonly languages: 'any';
  readonly parameters: number;
}

/** Speech to who of a few local speakers is active. */
export interface SegmentationEntry extends Entry {
  readonly kind: 'segmentation';
  readonly languages: 'any';
  readonly parameters: number;
}

/** As the repository declares it, in SPDX's spelling; `unknown` where no declaration was found. */
export type Licence =
  | 'Apache-2.0'
  | 'MIT'
  | 'CC0-1.0'
  | 'CC-BY-4.0'
  | 'CC-BY-SA-4.0'
  | 'CC-BY-NC-4.0'
  | 'unknown';

/** The weights as published. */
export interface WeightsFile {
  /** Default `model.safetensors`, or its shards. */
  readonly file?: string;
  readonly dtype: 'F16' | 'F32';
  /** Where known: then a hub or mirror that offers anything else is refused. */
  readonly sha256?: string;
  readonly bytes?: number;
}

/** Whether the licence lets a model be used for money; null where that is not known. */
export function isFreeForCommercialUse({ licence }: Pick<Entry, 'licence'>): boolean | null {
  return licence === 'unknown' ? null : licence !== 'CC-BY-NC-4.0';
}

/** What is fetched beside the weights. */
export interface SideFiles {
  readonly required: readonly string[];
  /** Fetched where the repository has them. */
  readonly optional: readonly string[];
}

export const SIDE_FILES: Readonly<Record<ModelKind, SideFiles>> = {
  whisper: {
    required: ['config.json', 'generation_config.json', 'tokenizer.json'],
    optional: [],
  },
  'ctc-aligner': {
    required: ['config.json', 'vocab.json'],
    optional: ['preprocessor_config.json', 'tokenizer_config.json'],
  },
  'speaker-encoder': { required: ['config.json'], optional: [] },
  segmentation: { required: ['config.json'], optional: [] },
};
