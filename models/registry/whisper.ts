/** Whisper and the models distilled from it. */
import type { WhisperDimensions } from '#models/model-size.ts';
import type { WhisperEntry } from '#models/registry/entry.ts';

const ENGLISH_VOCABULARY = 51_864;
const MULTILINGUAL_VOCABULARY = 51_865;
/** large-v3 added Cantonese. */
const V3_VOCABULARY = 51_866;

type Shape = Pick<WhisperDimensions, 'dModel' | 'encoderLayers' | 'decoderLayers'>;
const TINY: Shape = { dModel: 384, encoderLayers: 4, decoderLayers: 4 };
const BASE: Shape = { dModel: 512, encoderLayers: 6, decoderLayers: 6 };
const SMALL: Shape = { dModel: 768, encoderLayers: 12, decoderLayers: 12 };
const MEDIUM: Shape = { dModel: 1024, encoderLayers: 24, decoderLayers: 24 };
const LARGE: Shape = { dModel: 1280, encoderLayers: 32, decoderLayers: 32 };

function english(shape: Shape): WhisperDimensions {
  return { ...shape, vocabSize: ENGLISH_VOCABULARY, melBins: 80 };
}

function multilingual(shape: Shape): WhisperDimensions {
  return { ...shape, vocabSize: MULTILINGUAL_VOCABULARY, melBins: 80 };
}

function version3(shape: Shape): WhisperDimensions {
  return { ...shape, vocabSize: V3_VOCABULARY, melBins: 128 };
}

export const WHISPER_MODELS: readonly WhisperEntry[] = [
  {
    kind: 'whisper',
    name: 'tiny',
    repository: 'openai/whisper-tiny',
    revision: '169d4a4341b33bc18d8881c4b69c2e104e1cc0af',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(TINY),
    weights: {
      dtype: 'F32',
      bytes: 151_061_672,
      sha256: '7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'tiny.en',
    repository: 'openai/whisper-tiny.en',
    revision: '87c7102498dcde7456f24cfd30239ca606ed9063',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'en',
    dimensions: english(TINY),
    weights: {
      dtype: 'F32',
      bytes: 151_060_136,
      sha256: 'db59695928ded6043adaef491a53ef4e12da9611184d77c53baa691a60b958ad',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'base',
    repository: 'openai/whisper-base',
    revision: 'e37978b90ca9030d5170a5c07aadb050351a65bb',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(BASE),
    weights: {
      dtype: 'F32',
      bytes: 290_403_936,
      sha256: '07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'base.en',
    repository: 'openai/whisper-base.en',
    revision: '911407f4214e0e1d82085af863093ec0b66f9cd6',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'en',
    dimensions: english(BASE),
    weights: {
      dtype: 'F32',
      bytes: 290_401_888,
      sha256: 'd4dd5542fd6a1d35639e21384238f3bfe6c557c849d392b5905d33ee29e71db5',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'small',
    repository: 'openai/whisper-small',
    revision: '973afd24965f72e36ca33b3055d56a652f456b4d',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(SMALL),
    weights: {
      dtype: 'F32',
      bytes: 966_995_080,
      sha256: '1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'small.en',
    repository: 'openai/whisper-small.en',
    revision: 'e8727524f962ee844a7319d92be39ac1bd25655a',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'en',
    dimensions: english(SMALL),
    weights: {
      dtype: 'F32',
      bytes: 966_992_008,
      sha256: '6014ac49b506df900f66f4aca6b0801eed7245594ace97bcaf73e0ae5b863066',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'medium',
    repository: 'openai/whisper-medium',
    revision: 'abdf7c39ab9d0397620ccaea8974cc764cd0953e',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(MEDIUM),
    weights: {
      dtype: 'F32',
      bytes: 3_055_544_304,
      sha256: '62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'medium.en',
    repository: 'openai/whisper-medium.en',
    revision: '2e98eb6279edf5095af0c8dedb36bdec0acd172b',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'en',
    dimensions: english(MEDIUM),
    weights: {
      dtype: 'F32',
      bytes: 3_055_540_208,
      sha256: '8f731340f569588236c21f794c33e83b7cc5a297511d2bdc30117ea969004311',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'large-v1',
    repository: 'openai/whisper-large',
    revision: '4ef9b41f0d4fe232daafdb5f76bb1dd8b23e01d7',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(LARGE),
    weights: {
      dtype: 'F32',
      bytes: 6_173_370_152,
      sha256: '27d753181b54178da228555dbc57fe639f6624ca470d83d35e500b22df0ab7e6',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'large-v2',
    repository: 'openai/whisper-large-v2',
    revision: 'ae4642769ce2ad8fc292556ccea8e901f1530655',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: multilingual(LARGE),
    weights: {
      dtype: 'F32',
      bytes: 6_173_370_152,
      sha256: '57a1ba2a82c093cabff2541409ae778c97145378b9ddfa722763cb1cb8f9020b',
    },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'large-v3',
    repository: 'openai/whisper-large-v3',
    revision: '06f233fe06e710322aca913c1bc4249a0d71fce1',
    isPinned: true,
    licence: 'Apache-2.0',
    languages: 'multilingual',
    dimensions: version3(LARGE),
    weights: {
      dtype: 'F16',
      bytes: 3_087_130_976,
      sha256: 'a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95',
    },
    aliases: ['large'],
    note: 'The repository also holds model.fp32-*.safetensors; the float16 file is fetched.',
  },
  {
    kind: 'whisper',
    name: 'large-v3-turbo',
    repository: 'openai/whisper-large-v3-turbo',
    revision: '41f01f3fe87f28c78e2fbf8b568835947dd65ed9',
    isPinned: true,
    licence: 'MIT',
    languages: 'multilingual',
    dimensions: version3({ ...LARGE, decoderLayers: 4 }),
    weights: {
      dtype: 'F16',
      bytes: 1_617_824_864,
      sha256: '542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1',
    },
    aliases: ['turbo'],
  },
  {
    kind: 'whisper',
    name: 'distil-small.en',
    repository: 'distil-whisper/distil-small.en',
    revision: '9e4a67ca4569c30be43a3fe7fba1621e504f0093',
    isPinned: true,
    licence: 'MIT',
    languages: 'en',
    dimensions: english({ ...SMALL, decoderLayers: 4 }),
    weights: { dtype: 'F16' },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'distil-medium.en',
    repository: 'distil-whisper/distil-medium.en',
    revision: '6e61418885eaf4d5cc9f64e508e80ac5b4c052b7',
    isPinned: true,
    licence: 'MIT',
    languages: 'en',
    dimensions: english({ ...MEDIUM, decoderLayers: 2 }),
    weights: { dtype: 'F16' },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'distil-large-v2',
    repository: 'distil-whisper/distil-large-v2',
    revision: 'main',
    isPinned: false,
    licence: 'MIT',
    languages: 'en',
    dimensions: multilingual({ ...LARGE, decoderLayers: 2 }),
    weights: { dtype: 'F16' },
    aliases: [],
  },
  {
    kind: 'whisper',
    name: 'distil-large-v3',
    repository: 'distil-whisper/distil-large-v3',
    revision: '8031d2e6ce6631b7fc45629dddfc00271116d981',
    isPinned: true,
    licence: 'MIT',
    languages: 'en',
    dimensions: version3({ ...LARGE, decoderLayers: 2 }),
    weights: { dtype: 'F16' },
    aliases: [],
    note: 'The repository also holds model.fp32-*.safetensors; the float16 file is fetched.',
  },
  {
    kind: 'whisper',
    name: 'distil-large-v3.5',
    repository: 'distil-whisper/distil-large-v3.5',
    revision: 'main',
    isPinned: false,
    licence: 'MIT',
    languages: 'en',
    dimensions: version3({ ...LARGE, decoderLayers: 2 }),
    weights: { dtype: 'F32' },
    aliases: [],
  },
];
