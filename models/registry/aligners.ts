/**
 * Aligners: a `Wav2Vec2ForCTC` for each language, and some for many.
 *
 * Which repositories whisperX takes: `DEFAULT_ALIGN_MODELS_HF` in
 * https://github.com/m-bain/whisperX/blob/main/whisperx/alignment.py. Where its choice forbids commercial use, a free one
 * comes first here.
 */
import type { CtcDimensions } from '#models/ctc-size.ts';
import type { AlignerEntry, Licence } from '#models/registry/entry.ts';

type Shape = Omit<CtcDimensions, 'vocabSize'>;
const BASE: Shape = { width: 768, layers: 12, feedForward: 3072, featureNorm: 'group' };
const LARGE: Shape = { width: 1024, layers: 24, feedForward: 4096, featureNorm: 'layer' };
const ONE_BILLION: Shape = { width: 1280, layers: 48, feedForward: 5120, featureNorm: 'layer' };
/** Of published vocabularies of one alphabet; a few hundred weights more or less do not matter to the sizes. */
const ALPHABET = 40;
const SYLLABLES = 1_200;
const IDEOGRAPHS = 3_500;

interface Rest {
  readonly shape?: Shape;
  readonly vocabSize?: number;
  readonly aliases?: readonly string[];
  readonly note?: string;
}

function aligner(
  language: string,
  repository: string,
  licence: Licence,
  rest: Rest = {},
): AlignerEntry {
  const { shape = LARGE, vocabSize = ALPHABET, aliases = [], note } = rest;
  return {
    kind: 'ctc-aligner',
    name: `align-${language}`,
    repository,
    revision: 'main',
    isPinned: false,
    licence,
    languages: [language],
    dimensions: { ...shape, vocabSize },
    script: 'own',
    weights: { dtype: 'F32' },
    aliases,
    ...(note === undefined ? {} : { note }),
  };
}

export const ALIGNER_MODELS: readonly AlignerEntry[] = [
  aligner('en', 'facebook/wav2vec2-base-960h', 'Apache-2.0', { shape: BASE, vocabSize: 32 }),
  aligner('zh', 'jonatasgrosman/wav2vec2-large-xlsr-53-chinese-zh-cn', 'Apache-2.0', {
    vocabSize: IDEOGRAPHS,
  }),
  aligner('ko', 'kresnik/wav2vec2-large-xlsr-korean', 'Apache-2.0', { vocabSize: SYLLABLES }),
  aligner('no', 'NbAiLab/nb-wav2vec2-1b-bokmaal-v2', 'Apache-2.0', { shape: ONE_BILLION }),
];
