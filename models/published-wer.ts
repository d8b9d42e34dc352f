/**
 * Word error rates as others have published them: of the original weights, mostly on read speech. Ours differ somewhat
 * (8-bit weights, other search); docs/benchmarks.md has what was measured here. Models without an entry: none was found.
 */
export interface PublishedWer {
  /** Name in the registry. */
  readonly model: string;
  readonly test: keyof typeof WER_TESTS;
  /** In percent, in the order that the test's `columns` name. */
  readonly values: readonly number[];
  /** Page that says so. */
  readonly source: string;
}

export const WER_TESTS = {
  librispeech: {
    title: 'English: books, read aloud (LibriSpeech)',
    columns: ['test-clean', 'test-other'],
  },
  distil: {
    title: 'English: average over sets that Distil-Whisper was not trained on',
    columns: ['short', 'long'],
  },
  french: {
    title: 'French: average over Common Voice 17, Multilingual LibriSpeech, VoxPopuli, Fleurs',
    columns: ['short', 'long'],
  },
} as const;

const HUB = 'https://huggingface.co';
const DISTIL_PAGE = `${HUB}/spaces/distil-whisper/README`;
const DISTIL_35_PAGE = `${HUB}/distil-whisper/distil-large-v3.5`;
const FRENCH_PAGE = `${HUB}/eustlb/distil-large-v3-fr`;

function librispeech(model: string, source: string, ...values: number[]): PublishedWer {
  return { model, test: 'librispeech', values, source };
}

function distil(model: string, short: number, long: number): PublishedWer {
  return { model, test: 'distil', values: [short, long], source: DISTIL_PAGE };
}

function french(model: string, short: number, long: number): PublishedWer {
  return { model, test: 'french', values: [short, long], source: FRENCH_PAGE };
}

export const PUBLISHED_WER: readonly PublishedWer[] = [
  librispeech('tiny.en', `${HUB}/openai/whisper-tiny.en`, 8.4, 14.9),
  librispeech('base', `${HUB}/openai/whisper-base`, 5.0, 12.8),
  librispeech('small', `${HUB}/openai/whisper-small`, 3.4),
  librispeech('small.en', `${HUB}/openai/whisper-small.en`, 3.1),
  librispeech('large-v1', `${HUB}/openai/whisper-large`, 3.0, 5.4),
  librispeech('large-v3', DISTIL_35_PAGE, 2.0, 3.9),
  librispeech('large-v3-turbo', DISTIL_35_PAGE, 2.1, 4.2),
  librispeech('distil-large-v3', DISTIL_35_PAGE, 2.5, 5.2),
  librispeech('distil-large-v3.5', DISTIL_35_PAGE, 2.4, 5.0),
  { ...distil('large-v2', 9.1, 11.7), source: `${HUB}/distil-whisper/distil-medium.en` },
  distil('large-v3', 8.4, 11.0),
  distil('distil-large-v2', 10.1, 11.6),
  distil('distil-large-v3', 9.7, 10.8),
  distil('distil-medium.en', 11.1, 12.4),
  distil('distil-small.en', 12.1, 12.8),
  french('tiny', 43.7, 28.2),
  french('base', 30.6, 18.7),
  french('small', 16.2, 12.6),
  french('medium', 11.7, 11.0),
  french('large-v3', 7.8, 9.0),
];
