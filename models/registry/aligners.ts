/**
 * Aligners: a `Wav2Vec2ForCTC` for each language, and some for many.
 *
 * The choice is whisperX' (`DEFAULT_ALIGN_MODELS_HF` in
 * https://github.com/m-bain/whisperX/blob/main/whisperx/alignment.py), except where that forbids commercial use and a free
 * model of the same language is known. Licences are those that the repositories declare, as read in a crawl of their
 * metadata of February 2022 or in their cards; `unknown` where neither has one.
 */
import type { CtcDimensions } from '#models/ctc-size.ts';
import type { AlignerEntry, Licence } from '#models/registry/entry.ts';

type Shape = Omit<CtcDimensions, 'vocabSize'>;
const BASE: Shape = { width: 768, layers: 12, feedForward: 3072, featureNorm: 'group' };
const LARGE: Shape = { width: 1024, layers: 24, feedForward: 4096, featureNorm: 'layer' };
const ONE_BILLION: Shape = { width: 1280, layers: 48, feedForward: 5120, featureNorm: 'layer' };
/** Of published vocabularies of one alphabet; a few thousand weights more or less do not matter to the sizes. */
const ALPHABET = 40;
const SYLLABLES = 1_200;
const IDEOGRAPHS = 3_500;

type Changes = Omit<AlignerEntry, 'kind' | 'repository' | 'licence' | 'dimensions'>;

interface Rest extends Partial<Changes> {
  readonly shape?: Shape;
  readonly vocabSize?: number;
}

function aligner(
  code: string,
  repository: string,
  licence: Licence,
  rest: Rest = {},
): AlignerEntry {
  const { shape = LARGE, vocabSize = ALPHABET, ...changes } = rest;
  return {
    kind: 'ctc-aligner',
    name: `align-${code}`,
    repository,
    revision: 'main',
    isPinned: false,
    licence,
    languages: [code],
    dimensions: { ...shape, vocabSize },
    script: 'own',
    weights: { dtype: 'F32' },
    aliases: [],
    ...changes,
  };
}

/** The family of Jonatas Grosman, trained on Common Voice. */
function grosman(code: string, language: string, rest: Rest = {}): AlignerEntry {
  return aligner(code, `jonatasgrosman/wav2vec2-large-xlsr-53-${language}`, 'Apache-2.0', rest);
}

/** Those of Common Voice's languages in the model's card that Whisper knows too. */
const MANY =
  'ar as br ca cs cy de el en es et eu fa fi fr hi hu id it ja ka lt lv mn mt nl pa pl pt ro ru sl sv ta th tr tt uk vi yue zh'.split(
    ' ',
  );
const MANY_SCRIPTS = 10_000;

const OTHER_CHOICE = 'whisperX takes another one, which forbids commercial use.';

export const ALIGNER_MODELS: readonly AlignerEntry[] = [
  aligner('en', 'facebook/wav2vec2-base-960h', 'Apache-2.0', {
    ...{ shape: BASE, vocabSize: 32 },
    revision: '22aad52d435eb6dbaf354bdad9b0da84ce7d6156',
    isPinned: true,
    weights: {
      dtype: 'F32',
      bytes: 377_607_901,
      sha256: '8aa76ab2243c81747a1f832954586bc566090c83a0ac167df6f31f0fa917d74a',
    },
  }),
  grosman('fr', 'french', { note: OTHER_CHOICE }),
  grosman('de', 'german', { note: OTHER_CHOICE }),
  grosman('es', 'spanish', { note: OTHER_CHOICE }),
  grosman('it', 'italian', { note: OTHER_CHOICE }),
  grosman('ja', 'japanese', { vocabSize: IDEOGRAPHS }),
  grosman('zh', 'chinese-zh-cn', { vocabSize: IDEOGRAPHS }),
  grosman('nl', 'dutch'),
  aligner('uk', 'Yehor/wav2vec2-xls-r-300m-uk-with-small-lm', 'unknown'),
  grosman('pt', 'portuguese'),
  grosman('ar', 'arabic'),
  aligner('cs', 'comodoro/wav2vec2-xls-r-300m-cs-250', 'Apache-2.0'),
  grosman('ru', 'russian'),
  grosman('pl', 'polish'),
  grosman('hu', 'hungarian'),
  grosman('fi', 'finnish'),
  grosman('fa', 'persian'),
  grosman('el', 'greek'),
  aligner('tr', 'mpoyraz/wav2vec2-xls-r-300m-cv7-turkish', 'CC-BY-4.0'),
  aligner('da', 'saattrupdan/wav2vec2-xls-r-300m-ftspeech', 'unknown'),
  aligner('he', 'imvladikon/wav2vec2-xls-r-300m-hebrew', 'unknown'),
  aligner('vi', 'nguyenvulebinh/wav2vec2-base-vi-vlsp2020', 'unknown', {
    ...{ shape: BASE, vocabSize: 110 },
    note: 'Another Vietnamese model of the same author is CC-BY-NC-4.0.',
  }),
  aligner('ko', 'kresnik/wav2vec2-large-xlsr-korean', 'Apache-2.0', { vocabSize: SYLLABLES }),
  aligner('ur', 'kingabzpro/wav2vec2-large-xls-r-300m-Urdu', 'Apache-2.0'),
  aligner('te', 'anuragshas/wav2vec2-large-xlsr-53-telugu', 'Apache-2.0'),
  aligner('hi', 'theainerd/Wav2Vec2-large-xlsr-hindi', 'Apache-2.0'),
  aligner('ca', 'softcatala/wav2vec2-large-xlsr-catala', 'Apache-2.0'),
  aligner('ml', 'gvs/wav2vec2-large-xlsr-malayalam', 'Apache-2.0'),
  aligner('no', 'NbAiLab/nb-wav2vec2-1b-bokmaal-v2', 'unknown', { shape: ONE_BILLION }),
  aligner('nn', 'NbAiLab/nb-wav2vec2-1b-nynorsk', 'unknown', { shape: ONE_BILLION }),
  aligner('sk', 'comodoro/wav2vec2-xls-r-300m-sk-cv8', 'Apache-2.0'),
  aligner('sl', 'anton-l/wav2vec2-large-xlsr-53-slovenian', 'Apache-2.0'),
  aligner('hr', 'classla/wav2vec2-xls-r-parlaspeech-hr', 'unknown'),
  aligner('ro', 'gigant/romanian-wav2vec2', 'Apache-2.0'),
  aligner('eu', 'stefan-it/wav2vec2-large-xlsr-53-basque', 'Apache-2.0'),
  aligner('gl', 'ifrz/wav2vec2-large-xlsr-galician', 'unknown'),
  aligner('ka', 'xsway/wav2vec2-large-xlsr-georgian', 'Apache-2.0'),
  aligner('lv', 'jimregan/wav2vec2-large-xlsr-latvian-cv', 'Apache-2.0'),
  aligner('tl', 'Khalsuu/filipino-wav2vec2-l-xls-r-300m-official', 'Apache-2.0', {
    note: 'In 2025 it had pytorch_model.bin only; docs/how-to/word-times.md says what to do then.',
  }),
  aligner('sv', 'KBLab/wav2vec2-large-voxrex-swedish', 'CC0-1.0'),
  aligner('id', 'cahya/wav2vec2-large-xlsr-indonesian', 'Apache-2.0'),
  aligner('is', 'm3hrdadfi/wav2vec2-large-xlsr-icelandic', 'Apache-2.0'),
  aligner('bg', 'infinitejoy/wav2vec2-large-xls-r-300m-bulgarian', 'Apache-2.0'),
  aligner('many', 'voidful/wav2vec2-xlsr-multilingual-56', 'Apache-2.0', {
    languages: MANY,
    vocabSize: MANY_SCRIPTS,
    note: 'Free for commercial use, but less exact than a language’s own model.',
  }),
  aligner('any', 'MahmoudAshraf/mms-300m-1130-forced-aligner', 'CC-BY-NC-4.0', {
    ...{ languages: ['*'], script: 'latin', vocabSize: 31 },
    note: 'Hears Latin letters only: text in other scripts is romanised first.',
  }),
];
